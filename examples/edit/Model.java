import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.template.Template;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.image.EncodedImage;
import io.stencil.template.image.ImageTemplate;

/** Changes an image as its prompt says: "make it red". */
public final class Model implements Template<ImageTemplate.Input, EncodedImage> {

    /** One double-stream and two single-stream blocks look at the image; their keys and values steer the base's. */
    @Override
    public TemplateModel<ImageTemplate.Input, EncodedImage> model(TransformerConfig base) {
        return new ImageTemplate.Network(base, 1, 2);
    }

    /** Begins as a part of the base model; once it is trained, put the checkpoint here as model.safetensors. */
    @Override
    public Weights weights() {
        return Weights.fileOrRandom("model.safetensors", 0);
    }
}
