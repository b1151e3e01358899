package io.stencil.cli.demo;

import io.stencil.files.AtomicFile;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.world.judge.PixelStatistics;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// A dataset of painted landscapes, each with its measured brightness.
///
/// @param folder with the pictures and `metadata.jsonl`
/// @param samples the pictures, from the darkest exposure to the brightest
record PaintedDataset(Path folder, List<Sample> samples) {

    /// @param image name of the file
    /// @param scale mean brightness, 0 to 1
    record Sample(String image, double scale) {}

    static final String PROMPT = "a photo of hills under a wide sky";
    private static final int WIDTH = 288;
    private static final int HEIGHT = 192;

    PaintedDataset {
        samples = List.copyOf(samples);
    }

    /// @throws IOException when a file cannot be written
    static PaintedDataset paint(Path folder, int count, long seed) throws IOException {
        Landscape landscape = new Landscape(WIDTH, HEIGHT);
        List<Sample> samples = new ArrayList<>();
        StringBuilder metadata = new StringBuilder();
        for (int i = 0; i < count; i++) {
            double exposure = count == 1 ? 0 : -0.9 + 1.8 * i / (count - 1);
            RgbImage picture = landscape.paint(seed * 1000 + i, exposure);
            Sample sample = new Sample("%02d.png".formatted(i), PixelStatistics.meanBrightness(picture));
            RgbImageWriter.write(picture, folder.resolve(sample.image()));
            samples.add(sample);
            metadata.append(String.format(
                    Locale.ROOT,
                    "{\"image\": \"%s\", \"prompt\": \"%s\", \"template_inputs\": {\"scale\": %.4f}}%n",
                    sample.image(),
                    PROMPT,
                    sample.scale()));
        }
        AtomicFile.writeText(folder.resolve("metadata.jsonl"), metadata.toString());
        return new PaintedDataset(folder, samples);
    }
}
