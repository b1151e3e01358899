package io.stencil.lab.world;

import io.stencil.error.InvalidRequestException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// The datasets that the world has, each with rows of its own form.
public enum DatasetKind {
    /// Pictures and captions.
    PLAIN,
    /// Plain pictures, and others in bright, dim or coloured light, out of focus, in a style, with dots or a frame,
    /// which their captions tell.
    VARIED,
    /// `scale`: how bright the light is.
    BRIGHTNESS,
    /// `R`, `G`, `B`: how bright each channel is, under tinted light.
    RGB,
    /// `scale`: how sharp the picture is.
    SHARPNESS,
    /// `image`: a map of depth, `prompt`: a caption that leaves size and position open.
    CONTROL,
    /// `image`: what is changed, `prompt`: how.
    EDIT,
    /// `image`: the picture without its detail, `prompt`: its caption.
    UPSCALE,
    /// `image`: with another shape, `mask`: where that stands.
    INPAINT,
    /// `lora_ids`, `lora_scales`: which style, how much.
    STYLE,
    /// `image`: another scene under the same coloured light.
    REFERENCE,
    /// `n`: how many dots are below.
    ORDINAL,
    /// Nothing: every picture has a white frame.
    CONSTANT;

    SampleMaker maker() {
        return switch (this) {
            case PLAIN -> new PlainSamples();
            case VARIED -> new VariedSamples();
            case BRIGHTNESS -> new BrightnessSamples();
            case RGB -> new RgbSamples();
            case SHARPNESS -> new SharpnessSamples();
            case CONTROL -> new ControlSamples();
            case EDIT -> new EditSamples();
            case UPSCALE -> new UpscaleSamples();
            case INPAINT -> new InpaintSamples();
            case STYLE -> new StyleSamples();
            case REFERENCE -> new ReferenceSamples();
            case ORDINAL -> new OrdinalSamples();
            case CONSTANT -> new ConstantSamples();
        };
    }

    /// The name in lower case.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// @throws InvalidRequestException for a name that no kind has
    public static DatasetKind parse(String label) {
        for (DatasetKind kind : values()) {
            if (kind.label().equals(label)) {
                return kind;
            }
        }
        throw new InvalidRequestException(
                "kind", "expected one of %s; found '%s'".formatted(String.join(", ", labels()), label));
    }

    /// All names.
    public static List<String> labels() {
        return Arrays.stream(values()).map(DatasetKind::label).toList();
    }
}
