package io.stencil.flux2.files;

import io.stencil.flux2.text.PromptEncoding;
import io.stencil.flux2.text.Qwen3Config;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.flux2.vae.VaeConfig;
import io.stencil.nn.WeightLoader.Bookkeeping;
import io.stencil.safetensors.KeyHash;
import io.stencil.safetensors.TensorEntry;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Published checkpoints, by the hash of their tensors' names and shapes ([io.stencil.safetensors.KeyHash]).
public enum KnownCheckpoint {
    KLEIN_4B("3bde7b817fec8143028b6825a63180df", "klein-4B", "FLUX.2-klein-4B transformer"),
    KLEIN_9B("39c6fc48f07bebecedbbaa971ff466c8", "klein-9B", "FLUX.2-klein-9B transformer"),
    DEV("d38e1d5c5aec3b0a11e79327ac6e3b0f", "dev", "FLUX.2-dev transformer"),
    VAE("c54288e3ee12ca215898840682337b95", "FLUX.2", "FLUX.2 VAE"),
    QWEN3_4B("0f050f62a88876fea6eae0a18dac5a2e", "Qwen3-4B", "Qwen3-4B text encoder"),
    QWEN3_8B("9195f3ea256fcd0ae6d929c203470754", "Qwen3-8B", "Qwen3-8B text encoder");

    /// The one such tensor that a published checkpoint has.
    private static final String VAE_COUNTER = "bn.num_batches_tracked";

    private final String keyHash;
    private final String model;
    private final String title;

    KnownCheckpoint(String keyHash, String model, String title) {
        this.keyHash = keyHash;
        this.model = model;
        this.title = title;
    }

    public static Optional<KnownCheckpoint> of(String keyHash) {
        return Stream.of(values())
                .filter(known -> known.keyHash.equals(keyHash))
                .findFirst();
    }

    /// The published checkpoint that these tensors are, whatever [bookkeeping][Bookkeeping] they have beside it.
    public static Optional<KnownCheckpoint> of(Collection<TensorEntry> tensors) {
        Map<String, long[]> shapes = tensors.stream()
                .filter(tensor -> !Bookkeeping.mayBeThere(tensor.name()))
                .collect(Collectors.toMap(TensorEntry::name, TensorEntry::dims));
        Optional<KnownCheckpoint> without = of(KeyHash.ofShapes(shapes));
        shapes.put(VAE_COUNTER, new long[0]);
        return without.or(() -> of(KeyHash.ofShapes(shapes)));
    }

    public String keyHash() {
        return keyHash;
    }

    /// Returns the name of the model, such as `klein-4B`.
    public String model() {
        return model;
    }

    /// What it is, for people.
    public String title() {
        return title;
    }

    /// The configuration that belongs to it.
    public ModelConfig config() {
        return switch (this) {
            case KLEIN_4B -> new ModelConfig.Transformer(TransformerConfig.klein4b());
            case KLEIN_9B -> new ModelConfig.Transformer(TransformerConfig.klein9b());
            case DEV -> new ModelConfig.Transformer(TransformerConfig.dev());
            case VAE -> new ModelConfig.Vae(VaeConfig.flux2());
            case QWEN3_4B -> new ModelConfig.TextEncoder(Qwen3Config.size4B(), PromptEncoding.KLEIN);
            case QWEN3_8B -> new ModelConfig.TextEncoder(Qwen3Config.size8B(), PromptEncoding.KLEIN);
        };
    }
}
