package io.stencil.pipeline.stage;

import io.stencil.flux2.schedule.FlowMatchSchedule;
import io.stencil.flux2.transformer.TextTokens;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.unit.Port;
import org.bytedeco.pytorch.Tensor;

/// The values that the units of [io.stencil.pipeline.Flux2Pipeline] hand to each other.
public final class Ports {

    public static final Port<String> PROMPT = new Port<>("prompt", String.class);

    /// Size of the picture that is made, both sides multiples of 16.
    public static final Port<ImageSize> SIZE = new Port<>("size", ImageSize.class);

    public static final Port<Long> SEED = new Port<>("seed", Long.class);
    public static final Port<RgbImage> INPUT_IMAGE = new Port<>("input_image", RgbImage.class);
    public static final Port<EditImages> EDIT_IMAGES = new Port<>("edit_images", EditImages.class);
    public static final Port<Inpaint> INPAINT = new Port<>("inpaint", Inpaint.class);
    public static final Port<FlowMatchSchedule> SCHEDULE = new Port<>("schedule", FlowMatchSchedule.class);

    /// `[1, S, joint]`, appended behind the prompt's embeddings.
    public static final Port<Tensor> TEXT_EMBEDDING = new Port<>("text_embedding", Tensor.class);

    /// Standard normal, `[1, 128, H/16, W/16]`.
    public static final Port<Tensor> NOISE = new Port<>("noise", Tensor.class);

    /// Normalised latents of the input image, `[1, 128, H/16, W/16]`.
    public static final Port<Tensor> INPUT_LATENTS = new Port<>("input_latents", Tensor.class);

    /// Where denoising starts, float32 `[1, 128, H/16, W/16]`.
    public static final Port<Tensor> LATENTS = new Port<>("latents", Tensor.class);

    /// `[1, St, joint]`.
    public static final Port<Tensor> PROMPT_EMBEDS = new Port<>("prompt_embeds", Tensor.class);

    /// The prompt's embeddings with what a Template appends, and their ids.
    public static final Port<TextTokens> TEXT = new Port<>("text", TextTokens.class);

    /// Tokens of the edit images.
    public static final Port<ReferenceTokens> REFERENCES = new Port<>("references", ReferenceTokens.class);

    /// 1 where the picture is made anew, float32 `[1, Si, 1]`.
    public static final Port<Tensor> INPAINT_MASK = new Port<>("inpaint_mask", Tensor.class);

    private Ports() {}
}
