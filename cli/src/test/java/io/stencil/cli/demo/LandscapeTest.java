package io.stencil.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.world.judge.PixelStatistics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LandscapeTest {

    private static final Landscape SMALL = new Landscape(96, 64);

    @Test
    void theSameSeedPaintsTheSamePicture() {
        assertThat(SMALL.paint(3, 0.1)).isEqualTo(SMALL.paint(3, 0.1)).isNotEqualTo(SMALL.paint(4, 0.1));
    }

    @Test
    void exposureSetsTheBrightness() {
        double dark = PixelStatistics.meanBrightness(SMALL.paint(5, -0.9));
        double middle = PixelStatistics.meanBrightness(SMALL.paint(5, 0));
        double bright = PixelStatistics.meanBrightness(SMALL.paint(5, 0.9));

        assertThat(dark).isBetween(0.02, 0.25);
        assertThat(middle).isBetween(0.35, 0.65);
        assertThat(bright).isBetween(0.7, 0.95);
    }

    @Test
    void blackAndWhiteAreTheEndsOfBrightness() {
        assertThat(PixelStatistics.meanBrightness(
                        RgbImage.filled(SMALL.paint(1, 0).size(), 0)))
                .isZero();
        assertThat(PixelStatistics.meanBrightness(
                        RgbImage.filled(SMALL.paint(1, 0).size(), 0xFFFFFF)))
                .isEqualTo(1);
    }

    @Test
    void theDatasetTellsTheBrightnessOfEachPicture(@TempDir Path folder) throws IOException {
        PaintedDataset dataset = PaintedDataset.paint(folder, 3, 7);

        List<String> rows = Files.readAllLines(folder.resolve("metadata.jsonl"));
        assertThat(rows).hasSize(3);
        for (int i = 0; i < rows.size(); i++) {
            PaintedDataset.Sample sample = dataset.samples().get(i);
            RgbImage read = RgbImageReader.read(folder.resolve(sample.image()));
            assertThat(PixelStatistics.meanBrightness(read)).isEqualTo(sample.scale());
            assertThat(rows.get(i))
                    .isEqualTo(
                            "{\"image\": \"0%d.png\", \"prompt\": \"%s\", \"template_inputs\": {\"scale\": %.4f}}",
                            i, PaintedDataset.PROMPT, sample.scale());
        }
    }
}
