package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.ResidentMemory;
import io.stencil.train.log.StepReport;
import io.stencil.train.log.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Training keeps no memory of its steps. A run by itself (tag `soak`): what else a JVM does shows in these numbers.
@Tag("soak")
class TrainingMemoryTest {

    private static final int STEPS = 200;

    /// Notes the resident memory after the first quarter, when pools and compiled code have grown up, and at the
    /// end.
    private static final class Watch implements TrainingListener {
        private long early;
        private long late;

        @Override
        public void onStep(StepReport report) {
            if (report.step() == STEPS / 4) {
                early = ResidentMemory.bytes();
            } else if (report.step() == STEPS) {
                late = ResidentMemory.bytes();
            }
        }
    }

    @Test
    void memoryDoesNotGrowWithTheSteps(@TempDir Path folder) throws IOException {
        TinyDataset dataset = TinyDataset.paint(Files.createDirectory(folder.resolve("data")), 4);
        Watch watch = new Watch();
        new Trainer()
                .run(
                        dataset.options(folder.resolve("out"))
                                .repeat(STEPS / 4)
                                .gradientCheckpointing(true)
                                .build(),
                        watch);
        assertThat((double) watch.late / watch.early).isLessThan(1.02);
    }
}
