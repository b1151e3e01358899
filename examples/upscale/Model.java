import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.template.ForwardContext;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.image.EncodedPicture;
import io.stencil.template.image.ImageKeyValues;

/** Gives detail to a picture that has lost it. */
public final class Model implements Template<Model.Input, EncodedPicture> {

    public record Input(RgbImage image, String prompt) {}

    @Override
    public TemplateModel<Input, EncodedPicture> model(TransformerConfig base) {
        return new Upscale(ImageKeyValues.smallCopy(base, 1, 2));
    }

    /** Begins as a part of the base model; once it is trained, put the checkpoint here as model.safetensors. */
    @Override
    public Weights weights() {
        return Weights.fileOrRandom("model.safetensors", 0);
    }

    /** A small copy of the base model looks at the blurred picture; its keys and values steer the base model's. */
    private static final class Upscale extends TemplateModel<Input, EncodedPicture> {
        private final ImageKeyValues keyValues;

        Upscale(ImageKeyValues keyValues) {
            this.keyValues = module("", keyValues);
        }

        @Override
        public void initializeFrom(ModelSet base) {
            keyValues.copyFrom(base.requireTransformer());
        }

        @Override
        public EncodedPicture processInputs(Input inputs, Flux2Pipeline pipeline) {
            return ImageKeyValues.encode(inputs.image(), inputs.prompt(), pipeline.models());
        }

        @Override
        public TemplateCache forward(EncodedPicture picture, ForwardContext context) {
            return TemplateCache.of(keyValues.forward(picture, context));
        }
    }
}
