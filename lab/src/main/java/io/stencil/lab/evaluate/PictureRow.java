package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import java.util.List;

/// Pictures side by side, each with a word below it.
///
/// @param heading what was asked of all of them
public record PictureRow(String heading, List<Captioned> pictures) {

    /// @param label what was asked of this one
    public record Captioned(String label, RgbImage picture) {}

    public PictureRow {
        pictures = List.copyOf(pictures);
    }
}
