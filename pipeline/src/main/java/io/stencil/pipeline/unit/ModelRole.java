package io.stencil.pipeline.unit;

import io.stencil.flux2.files.ModelConfig;
import java.util.Optional;
import java.util.stream.Stream;

/// The models of a pipeline, by what they do.
public enum ModelRole {
    TEXT_ENCODER("text_encoder"),
    VAE("vae"),
    TRANSFORMER("transformer");

    /// What trained parts and some users call the transformer.
    private static final String TRANSFORMER_TOO = "dit";

    private final String label;

    ModelRole(String label) {
        this.label = label;
    }

    /// Its name in options, which is that of its folder.
    public String label() {
        return label;
    }

    /// Returns the role of the model of a configuration.
    public static ModelRole of(ModelConfig config) {
        return switch (config) {
            case ModelConfig.TextEncoder _ -> TEXT_ENCODER;
            case ModelConfig.Vae _ -> VAE;
            case ModelConfig.Transformer _ -> TRANSFORMER;
        };
    }

    /// The role of a name: `text_encoder`, `vae`, `transformer`, which is also `dit`.
    public static Optional<ModelRole> named(String name) {
        return Stream.of(values())
                .filter(role -> role.label.equals(name) || (role == TRANSFORMER && name.equals(TRANSFORMER_TOO)))
                .findFirst();
    }
}
