package io.stencil.lab.world;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageSize;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// The datasets that the world has, each with rows of its own form.
public enum DatasetKind {
    /// Images and captions.
    PLAIN,
    /// Plain images, and others in bright, dim or coloured light, out of focus, in a style, with dots or a frame,
    /// which their captions tell.
    VARIED,
    /// `scale`: how bright the light is.
    BRIGHTNESS,
    /// `R`, `G`, `B`: how bright each channel is, under tinted light.
    RGB,
    /// `scale`: how sharp the image is.
    SHARPNESS,
    /// `image`: a map of depth, `prompt`: a caption that leaves size and position open.
    CONTROL,
    /// `image`: what is changed, `prompt`: how.
    EDIT,
    /// `image`: the image without its detail, `prompt`: its caption.
    UPSCALE,
    /// `image`: with another shape, `mask`: where that stands.
    INPAINT,
    /// `lora_ids`, `lora_scales`: which style, how much.
    STYLE,
    /// `image`: another scene under the same coloured light.
    REFERENCE,
    /// `n`: how many dots are below.
    ORDINAL,
    /// Nothing: every image has a white frame.
    CONSTANT;

    /// Makes one sample.
    ///
    /// @param draws of this sample alone
    /// @param sample receives the images
    /// @param size of all of them
    Sample.Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        return switch (this) {
            case PLAIN -> Samples.plain(draws, sample, size);
            case VARIED -> VariedSamples.varied(draws, sample, size);
            case BRIGHTNESS -> Samples.brightness(draws, sample, size);
            case RGB -> Samples.rgb(draws, sample, size);
            case SHARPNESS -> Samples.sharpness(draws, sample, size);
            case CONTROL -> Samples.control(draws, sample, size);
            case EDIT -> Samples.edit(draws, sample, size);
            case UPSCALE -> Samples.upscale(draws, sample, size);
            case INPAINT -> Samples.inpaint(draws, sample, size);
            case STYLE -> Samples.style(draws, sample, size);
            case REFERENCE -> Samples.reference(draws, sample, size);
            case ORDINAL -> Samples.ordinal(draws, sample, size);
            case CONSTANT -> Samples.constant(draws, sample, size);
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
