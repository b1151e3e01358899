package io.stencil.lab.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.lab.evaluate.Page;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LossChartTest {

    @Test
    void theLineIsTheMeanOfTheLastSteps() {
        assertThat(new DemoReport.LossChart(List.of(4.0, 2.0, 6.0, 1.0), 2).smoothed())
                .containsExactly(4.0, 3.0, 4.0, 3.5);
        assertThat(new DemoReport.LossChart(List.of(), 2).smoothed()).isEmpty();
    }

    @Test
    void theChartShowsTheLine(@TempDir Path folder) throws IOException {
        new DemoReport.LossChart(List.of(3.0, 2.0, 1.5, 1.2), 2).write(folder.resolve("loss.png"));

        RgbImage chart = RgbImageReader.read(folder.resolve("loss.png"));
        int blue = 0;
        for (int y = 0; y < chart.height(); y++) {
            for (int x = 0; x < chart.width(); x++) {
                blue += chart.pixel(x, y) == 0x164E8C ? 1 : 0;
            }
        }
        assertThat(blue).isGreaterThan(500);
    }

    @Test
    void theLocaleDoesNotChangeTheChart(@TempDir Path folder) throws IOException {
        Locale before = Locale.getDefault();
        try {
            for (String language : List.of("en-US", "ar-EG", "de-DE", "hi-IN-u-nu-deva")) {
                Locale.setDefault(Locale.forLanguageTag(language));
                new DemoReport.LossChart(List.of(3.25, 2.0, 1.5, 1.2), 2).write(folder.resolve(language + ".png"));
            }
        } finally {
            Locale.setDefault(before);
        }

        RgbImage english = RgbImageReader.read(folder.resolve("en-US.png"));
        for (String language : List.of("ar-EG", "de-DE", "hi-IN-u-nu-deva")) {
            assertThat(RgbImageReader.read(folder.resolve(language + ".png")))
                    .as(language)
                    .isEqualTo(english);
        }
    }

    @Test
    void thePageNeedsAllItsValues() {
        assertThatThrownBy(() -> new Page(DemoReport.class).render()).hasMessage("the page has no value for images");
        assertThat(Page.row("<a>", "b & c")).isEqualTo("<tr><td>&lt;a&gt;</td><td>b &amp; c</td></tr>\n");
    }
}
