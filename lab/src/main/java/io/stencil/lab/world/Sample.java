package io.stencil.lab.world;

import io.stencil.image.RgbImage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// One row of a dataset, with all pictures that it names.
record Sample(Row row, List<Picture> pictures) {

    /// @param path relative to the dataset's folder
    record Picture(String path, RgbImage image) {}

    Sample {
        pictures = List.copyOf(pictures);
    }

    /// Names pictures after the sample's index: a folder for each role.
    static final class Builder {

        private final long index;
        private final List<Picture> pictures = new ArrayList<>();

        Builder(long index) {
            this.index = index;
        }

        /// Adds a picture and tells its path.
        String add(String role, RgbImage image) {
            String path = String.format(Locale.ROOT, "%s/%06d.png", role, index);
            pictures.add(new Picture(path, image));
            return path;
        }

        Sample build(Row row) {
            return new Sample(row, pictures);
        }
    }
}
