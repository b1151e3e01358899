import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.DataProcessor;
import io.stencil.template.ForwardContext;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.value.ValueKeyValues;
import io.stencil.tensor.Tensors;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Keys and values of one number, with random numbers of libtorch in each part of the work. */
public final class Model implements Template<Model.Input, Model.Input> {

    public record Row(double scale) {}

    public record Input(double scale) {}

    @Override
    public TemplateModel<Input, Input> model(TransformerConfig base) {
        return new Noisy(ValueKeyValues.forBase(base, 4));
    }

    @Override
    public Weights weights() {
        return Weights.random(3);
    }

    @Override
    public Optional<DataProcessor<Row, Input>> dataProcessor() {
        double above = Double.parseDouble(System.getProperty("stencil.test.draws_above", "0"));
        return Optional.of(row -> row.scale() > above ? new Input(row.scale() + drawn()) : new Input(row.scale()));
    }

    private static double drawn() {
        try (io.stencil.tensor.Scope scope = new io.stencil.tensor.Scope()) {
            return Tensors.toDouble(torch.rand(1));
        }
    }

    private static final class Noisy extends TemplateModel<Input, Input> {
        private final ValueKeyValues keyValues;

        Noisy(ValueKeyValues keyValues) {
            this.keyValues = module("", keyValues);
        }

        @Override
        public Input processInputs(Input inputs, Flux2Pipeline pipeline) {
            return new Input(inputs.scale() + drawn());
        }

        @Override
        public TemplateCache forward(Input inputs, ForwardContext context) {
            TemplateCache cache =
                    TemplateCache.of(keyValues.forward(inputs.scale(), context.dtype(), context.device()));
            return cache.map(tensor -> context.checkpointing()
                    .run(in -> List.of(in.getFirst().mul(torch.rand_like(in.getFirst()))), List.of(tensor))
                    .getFirst());
        }
    }
}
