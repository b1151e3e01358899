package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.train.TrainingData.DatasetHistory;
import io.stencil.train.data.BatchSampler;
import io.stencil.train.data.Dataset;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetHistoryTest {

    @TempDir
    private Path folder;

    private Dataset paint(int rows) throws IOException {
        return Dataset.read(TinyDataset.paint(folder, rows)
                .options(folder.resolve("out"))
                .build()
                .data());
    }

    private static BatchSampler batches(Dataset dataset) {
        return BatchSampler.of(dataset, new BatchSampler.Order(dataset.rows().size(), 1, false, 0), 1);
    }

    /// Another process has used the row. To lose the state would be worse than to keep no digest.
    @Test
    void aRowWhoseImageIsGoneDoesNotKeepAStateFromBeingWritten() throws IOException {
        Dataset dataset = paint(4);
        Files.delete(folder.resolve("1.png"));
        DatasetHistory history = new DatasetHistory(dataset, Map.of());
        assertThat(history.after(3, batches(dataset)).digests()).containsOnlyKeys(0, 2);
    }

    /// Where rows are skipped from a state on, the order of the rest does not show any more which rows were used
    /// before.
    @Test
    void rowsThatWereUsedBeforeStayInTheRecord() throws IOException {
        Dataset dataset = paint(4);
        DatasetHistory history = new DatasetHistory(dataset, Map.of(3, "digest"));
        assertThat(history.after(1, batches(dataset)).digests())
                .containsOnlyKeys(0, 3)
                .containsEntry(3, "digest");
    }
}
