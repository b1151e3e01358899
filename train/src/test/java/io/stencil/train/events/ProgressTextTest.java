package io.stencil.train.events;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.error.Location;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.events.TrainingListener.Stage;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.events.TrainingListener.TrainingStart;
import io.stencil.train.validation.ValidationReport;
import io.stencil.train.validation.ValidationReport.ValidationLoss;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProgressTextTest {

    private static final DatasetRow ROW =
            new DatasetRow(Path.of("1.png"), "a cat", List.of(), null, 1, null, Location.ofField("row"));

    @Test
    void tellsLossSpeedAndTimeLeft() {
        ProgressText text = new ProgressText();
        assertThat(text.after(new StepReport(1, 101, 0, 0.5, 1e-4, 3.0)))
                .isEqualTo("step 1/101  loss 0.5000 (mean 0.5000)");
        assertThat(text.after(new StepReport(2, 101, 0, 0.1, 1e-4, 3.5)))
                .isEqualTo("step 2/101  loss 0.1000 (mean 0.2980)  2.0 steps/s  0:50 left");
    }

    @Test
    void tellsSecondsAStepWhereStepsAreSlow() {
        ProgressText text = new ProgressText();
        assertThat(text.after(new StepReport(1, 1001, 0, 0.5, 1e-4, 30))).contains("loss");
        assertThat(text.after(new StepReport(2, 1002, 0, 0.5, 1e-4, 42))).endsWith("12.0 s/step  3:20:00 left");
    }

    /// A run of 1000 steps of half a second with batch 4, and 20 seconds of validation after every 100.
    @Test
    void validationChangesNeitherSpeedNorTheTimeLeftByLeaps() {
        ProgressText text = new ProgressText();
        text.onStart(new TrainingStart(1000, 3, 1, 7, 42, 0, 4, ROW, null));
        double seconds = 10;
        for (long step = 1; step <= 500; step++) {
            String line = text.after(new StepReport(step, 1000, 0, 0.5, 1e-4, seconds));
            if (step > 301) {
                assertThat(line).contains("  2.0 steps/s  8.0 images/s  ");
                double left = (1000 - step) * 0.7;
                assertThat(text.left()).isEqualTo(minutes(left));
            }
            if (step % 100 == 0) {
                text.onValidation(
                        new ValidationReport(step, 3, new ValidationLoss(0.5, List.of()), null, null, step, 0.5, 20));
                seconds += 20;
            }
            seconds += 0.5;
        }
    }

    private static String minutes(double seconds) {
        long whole = Math.round(seconds);
        return String.format(Locale.ROOT, "%s:%02d", whole / 60, whole % 60);
    }

    @Test
    void theUnitOfSpeedStays() {
        ProgressText text = new ProgressText();
        text.after(new StepReport(1, 900, 0, 0.5, 1e-4, 5));
        assertThat(text.after(new StepReport(2, 900, 0, 0.5, 1e-4, 5.75))).contains("  1.3 steps/s  ");
        double seconds = 5.75;
        for (long step = 3; step <= 600; step++) {
            seconds += 2;
            text.after(new StepReport(step, 900, 0, 0.5, 1e-4, seconds));
        }
        assertThat(text.line()).contains("  0.50 steps/s  10:00 left");
    }

    @Test
    void stagesAreNamed() {
        ProgressText text = new ProgressText();
        assertThat(text.during(Stage.LOADING, 0, 0)).isEqualTo("loading");
        text.after(new StepReport(2, 9, 0, 0.5, 1e-4, 5));
        assertThat(text.during(Stage.VALIDATION, 3, 40))
                .isEqualTo("step 2/9  loss 0.5000 (mean 0.5000)  validation 3/40");
    }

    @Test
    void theLogHasALineAStepAtOnce(@TempDir Path folder) throws IOException {
        try (CsvLog log = new CsvLog(folder, 0)) {
            log.onStep(new StepReport(1, 2, 0, 0.25, 1e-4, 1.5));
            log.onStep(new StepReport(2, 2, 0, 0.125, 1e-4, 2.25));
            assertThat(Files.readAllLines(folder.resolve("training_log.csv")))
                    .containsExactly(
                            "step,epoch,loss,learning_rate,seconds", "1,0,0.25,1.0E-4,1.500", "2,0,0.125,1.0E-4,2.250");
        }
    }
}
