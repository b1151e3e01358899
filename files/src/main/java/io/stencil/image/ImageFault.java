package io.stencil.image;

import java.io.IOException;

/// Reports a fault of an image file in words for its user; [RgbImageReader] adds the file's name.
final class ImageFault extends IOException {

    private static final long serialVersionUID = 1L;

    private final String what;

    ImageFault(String what) {
        super(what);
        this.what = what;
    }

    /// Returns what is wrong and the remedy, to follow the file's name.
    String what() {
        return what;
    }

    /// @param where part of the file in which the bytes ended
    static ImageFault cutShort(String where) {
        return new ImageFault("is cut short in " + where + "; copy or download it again");
    }
}
