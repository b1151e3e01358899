import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.pipeline.Inpaint;
import io.stencil.template.ForwardContext;
import io.stencil.template.PipelineSetting;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.image.EncodedImage;
import io.stencil.template.image.ImageKeyValues;
import io.stencil.template.image.MaskedImage;

/** Makes a part of an image anew, to fit the rest of it. */
public final class Model implements Template<Model.Input, Model.Encoded> {

    /** The mask is white where the image is made anew; with force_inpaint the rest stays exactly as it is. */
    public record Input(RgbImage image, RgbImage mask, boolean forceInpaint) {}

    /** What the model sees, and what the pipeline needs to hold fast to the rest. */
    public record Encoded(EncodedImage seen, RgbImage image, RgbImage mask, boolean forceInpaint) {}

    @Override
    public TemplateModel<Input, Encoded> model(TransformerConfig base) {
        return new Inpainter(ImageKeyValues.smallCopy(base, 1, 2, MaskedImage.EXTRA_CHANNELS));
    }

    /** Begins as a part of the base model; once it is trained, put the checkpoint here as model.safetensors. */
    @Override
    public Weights weights() {
        return Weights.fileOrRandom("model.safetensors", 0);
    }

    /** A small copy of the base model looks at what stays; its keys and values steer the base model's. */
    private static final class Inpainter extends TemplateModel<Input, Encoded> {
        private final ImageKeyValues keyValues;

        Inpainter(ImageKeyValues keyValues) {
            this.keyValues = module("", keyValues);
        }

        @Override
        public void initializeFrom(ModelSet base) {
            keyValues.copyFrom(base.requireTransformer());
        }

        @Override
        public Encoded processInputs(Input inputs, Flux2Pipeline pipeline) {
            EncodedImage seen = MaskedImage.encode(inputs.image(), inputs.mask(), "", pipeline.models());
            return new Encoded(seen, inputs.image(), inputs.mask(), inputs.forceInpaint());
        }

        @Override
        public TemplateCache forward(Encoded inputs, ForwardContext context) {
            TemplateCache cache = TemplateCache.of(keyValues.forward(inputs.seen(), context));
            return inputs.forceInpaint()
                    ? cache.withSettings(
                            new PipelineSetting.InputImage(inputs.image()),
                            new PipelineSetting.InpaintMask(new Inpaint(inputs.mask())),
                            new PipelineSetting.InpaintOverlay())
                    : cache;
        }
    }
}
