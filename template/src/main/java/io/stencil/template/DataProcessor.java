package io.stencil.template;

import java.nio.file.Path;

/// Turns what a dataset's row holds under `template_inputs` into a Template model's inputs.
///
/// Rows may be read ahead of their use and by several threads (`--dataset_num_workers`): a processor holds nothing that
/// changes, and gives the same for the same row, or a run cannot be repeated.
///
/// @param <R> record bound from the row's object; images are given as paths there
/// @param <I> the model's inputs
@FunctionalInterface
public interface DataProcessor<R extends Record, I extends Record> {
    I process(R row);

    /// Processes a row with the folder of its dataset; training calls this method.
    ///
    /// @param folder `--dataset_base_path`, against which paths in the row are resolved: `folder.resolve(row.file())`
    default I process(R row, Path folder) {
        return process(row);
    }

    /// A data processor that opens files of the dataset:
    ///
    /// ```java
    /// public Optional<DataProcessor.WithFolder<Row, Input>> dataProcessor() {
    ///     return Optional.of((row, folder) -> new Input(read(folder.resolve(row.file()))));
    /// }
    /// ```
    ///
    /// In two stages of training a row is encoded anew when the content of a file changes that a string of the row
    /// names. Other files must stay as they are.
    @FunctionalInterface
    interface WithFolder<R extends Record, I extends Record> extends DataProcessor<R, I> {
        @Override
        I process(R row, Path folder);

        /// Processes a row whose paths are relative to the working directory.
        @Override
        default I process(R row) {
            return process(row, Path.of(""));
        }
    }
}
