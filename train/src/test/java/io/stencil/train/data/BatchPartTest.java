package io.stencil.train.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.stencil.error.Location;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BatchPartTest {

    private static List<DatasetRow> rows(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> new DatasetRow(
                        Path.of(i + ".png"), "", List.of(), null, Location.of(Path.of("metadata.jsonl"), i + 1)))
                .toList();
    }

    @Test
    void partsCoverTheBatchWithoutOverlapAndTheirWeightsGiveItsMean() {
        for (int size = 1; size < 9; size++) {
            List<DatasetRow> batch = rows(size);
            for (int processes = 1; processes < 6; processes++) {
                List<DatasetRow> covered = new ArrayList<>();
                double weights = 0;
                for (int rank = 0; rank < processes; rank++) {
                    BatchPart part = BatchPart.of(batch, rank, processes);
                    assertThat(part.rows()).isNotEmpty();
                    assertThat(part.batchSize()).isEqualTo(size);
                    assertThat(batch.subList(part.before(), size - part.after()))
                            .isEqualTo(part.rows());
                    if (part.weight() > 0) {
                        covered.addAll(part.rows());
                        assertThat(part.weight()).isEqualTo((double) part.rows().size() * processes / size);
                    }
                    weights += part.weight();
                }
                assertThat(covered).isEqualTo(batch);
                assertThat(weights).isCloseTo(processes, within(1e-12));
            }
        }
    }
}
