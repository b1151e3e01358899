package io.stencil.template;

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
}
