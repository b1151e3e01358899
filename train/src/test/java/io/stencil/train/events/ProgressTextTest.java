package io.stencil.train.events;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.train.events.TrainingListener.StepReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProgressTextTest {

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
