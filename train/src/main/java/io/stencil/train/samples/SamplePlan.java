package io.stencil.train.samples;

import io.stencil.image.RgbImage;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.template.TemplateInput;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Holds the samples of a run. They are the same at each step, noise included, so that their images can be compared.
///
/// @param images in their order
record SamplePlan(List<PlannedImage> images) {

    /// Number that inputs of a generation give as their Template.
    static final int INPUTS = 0;

    /// Number that inputs of a dataset's row give as their Template: its data processor reads them.
    static final int ROWS = 1;

    private static final int NAME_LENGTH = 40;

    SamplePlan {
        images = List.copyOf(images);
    }

    /// An image to generate.
    ///
    /// @param line heading of its line in the contact sheet; consecutive images with one heading share a line
    /// @param label caption under the image
    /// @param positive Template inputs of the prompt's side
    /// @param negative those of the negative prompt's side
    /// @param files of the images of the request
    record PlannedImage(
            String line,
            String label,
            GenerationRequest request,
            List<TemplateInput> positive,
            List<TemplateInput> negative,
            Map<RgbImage, Path> files) {

        PlannedImage {
            positive = List.copyOf(positive);
            negative = List.copyOf(negative);
            files = Map.copyOf(files);
        }

        /// Heading and label in one text.
        String caption() {
            return line.isEmpty() ? label : label.isEmpty() ? line : line + ": " + label;
        }
    }

    /// File names without extension, such as `03-scale-0.667`.
    List<String> names() {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < images.size(); i++) {
            String words = images.get(i)
                    .label()
                    .toLowerCase(Locale.ROOT)
                    .replaceAll("[^a-z0-9.]+", "-")
                    .replaceAll("^[-.]+", "");
            String shortened =
                    words.substring(0, Math.min(words.length(), NAME_LENGTH)).replaceAll("[-.]+$", "");
            names.add("%s%s%s"
                    .formatted(String.format(Locale.ROOT, "%02d", i + 1), shortened.isEmpty() ? "" : "-", shortened));
        }
        return names;
    }
}
