package io.stencil.template;

/// Turns what a dataset's row holds under `template_inputs` into a Template model's inputs.
///
/// @param <R> record bound from the row's object; images are given as paths there
/// @param <I> the model's inputs
@FunctionalInterface
public interface DataProcessor<R extends Record, I extends Record> {
    I process(R row);
}
