package io.stencil.template;

import io.stencil.flux2.transformer.TransformerConfig;
import java.util.Optional;

/// The entry point of a Template folder: the public class `Model` of `Model.java` implements this.
///
/// It needs a public constructor without parameters and must name its records as type arguments, for the inputs are
/// bound and checked by these types:
/// ```java
/// public final class Model implements Template<Model.Input, Model.Input> {
///     public record Input(double scale) {}
///
///     @Override
///     public TemplateModel<Input, Input> model(TransformerConfig base) { return new Network(base); }
///
///     @Override
///     public Weights weights() { return Weights.files("model.safetensors"); }
/// }
/// ```
///
/// @param <I> record of the Template's inputs, one component a field of the JSON object
/// @param <P> record of what [TemplateModel#processInputs] makes of them
public interface Template<I extends Record, P extends Record> {

    /// The network, without weights: its constructor allocates nothing.
    ///
    /// @param base configuration of the transformer that is steered
    TemplateModel<I, P> model(TransformerConfig base);

    /// Names the source of the weights.
    Weights weights();

    /// Turns what a dataset's row holds under `template_inputs` into the model's inputs, where they differ.
    ///
    /// When it is empty the row's object is bound to the inputs as it stands. The row's record is read off the declared
    /// return type or the processor's class, so one of them must name it:
    /// ```java
    /// public Optional<DataProcessor<Row, Input>> dataProcessor() {
    ///     return Optional.of(row -> new Input(row.percent() / 100.0));
    /// }
    /// ```
    /// A processor that opens files of the dataset is a [DataProcessor.WithFolder].
    default Optional<? extends DataProcessor<?, I>> dataProcessor() {
        return Optional.empty();
    }
}
