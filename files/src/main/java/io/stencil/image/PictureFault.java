package io.stencil.image;

import java.io.IOException;

/// What is wrong with a picture file, in words for its user; [RgbImageReader] adds the file's name.
final class PictureFault extends IOException {

    private static final long serialVersionUID = 1L;

    private final String what;

    PictureFault(String what) {
        super(what);
        this.what = what;
    }

    /// What is wrong and what to do; it follows the file's name.
    String what() {
        return what;
    }

    /// @param where what was being read when the bytes ended
    static PictureFault cutShort(String where) {
        return new PictureFault("is cut short in " + where + "; copy or download it again");
    }
}
