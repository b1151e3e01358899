import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.DataProcessor;
import io.stencil.template.ForwardContext;
import io.stencil.template.InputField;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.value.ValueKeyValues;
import java.util.Optional;

/** Steers how warm the light of an image is: {"warmth": 0.0} is blue, {"warmth": 1.0} is red. */
public final class Model implements Template<Model.Input, Model.Input> {

    public record Input(@InputField(min = 0, max = 1, description = "0 is blue, 1 is red") double warmth) {}

    /** A row of the dataset names an image, and its warmth is measured in it. */
    public record Row(RgbImage image) {}

    @Override
    public Optional<DataProcessor<Row, Input>> dataProcessor() {
        return Optional.of(row -> new Input(warmth(row.image())));
    }

    /** Mean of red minus blue, -0.4 to 0.4 of the full range as 0 to 1. */
    static double warmth(RgbImage image) {
        long difference = 0;
        for (int y = 0; y < image.height(); y++) {
            for (int x = 0; x < image.width(); x++) {
                difference += image.sample(x, y, 0) - image.sample(x, y, 2);
            }
        }
        double mean = difference / (255.0 * image.width() * image.height());
        return Math.clamp(0.5 + mean / 0.8, 0, 1);
    }

    @Override
    public TemplateModel<Input, Input> model(TransformerConfig base) {
        return new Network(ValueKeyValues.forBase(base, 16));
    }

    /** Random until it is trained; then put the checkpoint here as model.safetensors. */
    @Override
    public Weights weights() {
        return Weights.fileOrRandom("model.safetensors", 0);
    }

    private static final class Network extends TemplateModel<Input, Input> {
        private final ValueKeyValues keyValues;

        Network(ValueKeyValues keyValues) {
            this.keyValues = module("", keyValues);
        }

        @Override
        public Input processInputs(Input inputs, Flux2Pipeline pipeline) {
            return inputs;
        }

        @Override
        public TemplateCache forward(Input inputs, ForwardContext context) {
            return TemplateCache.of(keyValues.forward(inputs.warmth(), context.dtype(), context.device()));
        }
    }
}
