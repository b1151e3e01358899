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

/** A LoRA whose strength is the input: {"scale": 0.0} leaves the image as it is. */
public final class Model implements Template<Model.Input, Model.Input> {

    private static final int RANK = 16;

    public record Input(double scale) {}

    @Override
    public TemplateModel<Input, Input> model(TransformerConfig base) {
        return new ScaledLora(base);
    }

    /** Random until it is trained; then put the checkpoint here as model.safetensors. */
    @Override
    public Weights weights() {
        return Weights.fileOrRandom("model.safetensors", 0);
    }

    private static final class ScaledLora extends TemplateModel<Input, Input> {
        private final Map<String, Parameter> a = new LinkedHashMap<>();
        private final Map<String, Parameter> b = new LinkedHashMap<>();

        /** Updates the projection of the queries in every double block; add the layers that you want to steer. */
        ScaledLora(TransformerConfig base) {
            for (int i = 0; i < base.numLayers(); i++) {
                add("transformer_blocks." + i + ".attn.to_q", base.dim(), base.dim());
            }
        }

        private void add(String layer, long out, long in) {
            String flat = layer.replace('.', '_');
            a.put(layer, parameter("a." + flat, Initializer.normal(0.02), RANK, in));
            b.put(layer, parameter("b." + flat, Initializer.ZEROS, out, RANK));
        }

        @Override
        public Input processInputs(Input inputs, Flux2Pipeline pipeline) {
            return inputs;
        }

        @Override
        public TemplateCache forward(Input inputs, ForwardContext context) {
            Map<String, LoraPair> pairs = new LinkedHashMap<>();
            a.forEach((layer, matrix) ->
                    pairs.put(layer, new LoraPair(Ops.mul(matrix.get(), inputs.scale()), b.get(layer).get())));
            return TemplateCache.of(new Lora(pairs));
        }
    }
}
