package io.stencil.cli.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ProgressLineTest {

    private final StringWriter err = new StringWriter();

    @Test
    void onATerminalTheLineIsRewrittenAndEnded() {
        try (ProgressLine line = new ProgressLine(new PrintWriter(err), true)) {
            line.show("step 1 of 2, slow");
            line.show("step 2 of 2");
        }
        assertThat(err.toString()).isEqualTo("\rstep 1 of 2, slow\rstep 2 of 2      " + System.lineSeparator());
    }

    @Test
    void elsewhereOnlyTheLastStateOfShortWorkIsPrinted() {
        try (ProgressLine line = new ProgressLine(new PrintWriter(err), false)) {
            line.show("step 1 of 2");
            line.show("step 2 of 2");
        }
        assertThat(err.toString()).isEqualTo("step 2 of 2" + System.lineSeparator());
    }

    @Test
    void workWithoutAStepPrintsNothing() {
        try (ProgressLine line = new ProgressLine(new PrintWriter(err), true)) {
            assertThat(line).isNotNull();
        }
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void timesAreShort() {
        assertThat(ProgressLine.time(Duration.ofSeconds(65))).isEqualTo("1:05");
        assertThat(ProgressLine.time(Duration.ofSeconds(7390))).isEqualTo("2:03:10");
    }
}
