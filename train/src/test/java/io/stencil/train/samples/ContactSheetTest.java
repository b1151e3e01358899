package io.stencil.train.samples;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.train.samples.ContactSheet.Cell;
import io.stencil.train.samples.ContactSheet.Line;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class ContactSheetTest {

    private static RgbImage plain(int width, int height, int colour) {
        return RgbImage.filled(new ImageSize(width, height), colour);
    }

    private static int pixel(RgbImage sheet, int x, int y) {
        return sheet.sample(x, y, 0) << 16 | sheet.sample(x, y, 1) << 8 | sheet.sample(x, y, 2);
    }

    /// Width and height of the box around all pixels of a colour.
    private static ImageSize box(RgbImage sheet, int colour) {
        Set<Integer> columns = new TreeSet<>();
        Set<Integer> rows = new TreeSet<>();
        for (int y = 0; y < sheet.height(); y++) {
            for (int x = 0; x < sheet.width(); x++) {
                if (pixel(sheet, x, y) == colour) {
                    columns.add(x);
                    rows.add(y);
                }
            }
        }
        return new ImageSize(columns.size(), rows.size());
    }

    @Test
    void smallImagesAreEnlargedByAWholeFactorAndLargeOnesReduced() {
        RgbImage sheet = ContactSheet.draw(
                "step 1",
                List.of(new Line(
                        "a wall",
                        List.of(
                                new Cell("small", plain(64, 32, 0xFF0000)),
                                new Cell("large", plain(800, 600, 0x0000FF))))));
        assertThat(box(sheet, 0xFF0000)).isEqualTo(new ImageSize(192, 96));
        assertThat(box(sheet, 0x0000FF)).isEqualTo(new ImageSize(384, 288));
        assertThat(sheet.width()).isEqualTo(12 + 2 * (384 + 12));
    }

    @Test
    void longLinesWrap() {
        List<Cell> cells = Collections.nCopies(8, new Cell("", plain(192, 192, 0x00FF00)));
        RgbImage sheet = ContactSheet.draw("step 1", List.of(new Line("a wall", cells)));
        assertThat(sheet.width()).isEqualTo(12 + 6 * (192 + 12));
        assertThat(box(sheet, 0x00FF00)).isEqualTo(new ImageSize(6 * 192, 2 * 192));
    }

    /// A label and a placeholder differ from the same sheet with another label; the images stay where they are.
    @Test
    void labelsAndFailuresAreShown() {
        RgbImage labelled = sheet(new Cell("scale 0.5", plain(192, 192, 0xFF0000)));
        RgbImage other = sheet(new Cell("scale 0.9", plain(192, 192, 0xFF0000)));
        assertThat(labelled.size()).isEqualTo(other.size());
        assertThat(labelled).isNotEqualTo(other);
        RgbImage failed = sheet(new Cell("scale 0.5", null));
        assertThat(failed.size()).isEqualTo(labelled.size());
        assertThat(box(labelled, 0xFF0000)).isEqualTo(new ImageSize(192, 192));
        assertThat(pixel(failed, 12 + 192 + 12 + 96, failed.height() / 2)).isEqualTo(0xE1E1E1);
    }

    private static RgbImage sheet(Cell second) {
        Cell first = new Cell("first", plain(192, 192, 0x0000FF));
        return ContactSheet.draw("step 1", List.of(new Line("a wall", List.of(first, second))));
    }
}
