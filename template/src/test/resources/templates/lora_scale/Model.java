import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.nn.Initializer;
import io.stencil.nn.Lora;
import io.stencil.nn.LoraPair;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.tensor.Ops;
import java.util.LinkedHashMap;
import java.util.Map;

/** A LoRA of rank 4 whose strength is the input. */
public final class Model implements Template<Model.Input, Model.Input> {

    public record Input(double scale) {}

    @Override
    public TemplateModel<Input, Input> model(TransformerConfig base) {
        int dim = base.numAttentionHeads() * base.attentionHeadDim();
        Map<String, long[]> layers = new LinkedHashMap<>();
        layers.put("transformer_blocks.1.attn.to_q", new long[] {dim, dim});
        layers.put("single_transformer_blocks.0.attn.to_out", new long[] {dim, 4L * dim});
        return new ScaledLora(layers);
    }

    @Override
    public Weights weights() {
        return Weights.files("model.safetensors");
    }

    private static final class ScaledLora extends TemplateModel<Input, Input> {
        private final Map<String, Parameter> a = new LinkedHashMap<>();
        private final Map<String, Parameter> b = new LinkedHashMap<>();

        ScaledLora(Map<String, long[]> layers) {
            layers.forEach((name, outIn) -> {
                String flat = name.replace('.', '_');
                a.put(name, parameter("a." + flat, Initializer.normal(0.02), 4, outIn[1]));
                b.put(name, parameter("b." + flat, Initializer.ZEROS, outIn[0], 4));
            });
        }

        @Override
        public Input processInputs(Input inputs, Flux2Pipeline pipeline) {
            return inputs;
        }

        @Override
        public TemplateCache forward(Input inputs, ForwardContext context) {
            Map<String, LoraPair> pairs = new LinkedHashMap<>();
            a.forEach((name, matrix) ->
                    pairs.put(name, new LoraPair(Ops.mul(matrix.get(), inputs.scale()), b.get(name).get())));
            return TemplateCache.of(new Lora(pairs));
        }
    }
}
