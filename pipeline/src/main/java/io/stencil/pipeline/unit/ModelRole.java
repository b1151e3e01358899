package io.stencil.pipeline.unit;

import io.stencil.error.InvalidRequestException;
import java.util.Optional;

/// The models of a pipeline, by what they do.
public enum ModelRole {
    TEXT_ENCODER,
    VAE,
    TRANSFORMER;

    /// Reads `text_encoder`, `vae`, `dit` or `transformer`.
    ///
    /// @param option that holds the name, for the message
    /// @throws InvalidRequestException for another name
    public static ModelRole parse(String option, String name) {
        return find(name)
                .orElseThrow(() -> new InvalidRequestException(
                        option, "'%s' is no model of the base; expected text_encoder, vae or dit".formatted(name)));
    }

    /// The role of this name, in lower case; empty when there is none.
    public static Optional<ModelRole> find(String name) {
        return switch (name) {
            case "text_encoder" -> Optional.of(TEXT_ENCODER);
            case "vae" -> Optional.of(VAE);
            case "dit", "transformer" -> Optional.of(TRANSFORMER);
            default -> Optional.empty();
        };
    }

    /// The name that options have for it.
    @Override
    public String toString() {
        return switch (this) {
            case TEXT_ENCODER -> "text_encoder";
            case VAE -> "vae";
            case TRANSFORMER -> "dit";
        };
    }
}
