package io.stencil.flux2.lora;

import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Tensors of adapter files that change a layer otherwise than by a low-rank product `B A`. None is supported: a file
/// that holds one is refused, since without it the result would be another.
enum AdapterKind {
    DORA("DoRA magnitudes", "(?:lora_magnitude_vector|dora_scale)"),
    LORA_BIAS("biases of LoRA matrices (lora_bias)", "lora_(?:A|B|up|down)(?:\\.[^.]+)?\\.bias"),
    TUCKER("a Tucker core (lora_mid)", "lora_mid"),
    LOHA("LoHa factors", "hada_[a-z0-9_]+"),
    LOKR("LoKr factors", "lokr_[a-z0-9_]+"),
    OFT("OFT rotations", "b?oft_[A-Za-z0-9_]+"),
    GLORA("GLoRA factors", "[ab][12]"),
    IA3("IA3 factors", "(?:ia3_l|on_input)"),
    VERA("VeRA factors", "vera_[A-Za-z_]+"),
    DIFFERENCE("differences of whole weights or biases", "(?:diff(?:_b|_m)?|set_weight|w_norm|b_norm)"),
    EMBEDDING("low-rank updates of an embedding", "lora_embedding_[AB]"),
    RESCALED("scales or shapes beside the matrices", "(?:reshape_weight|rescale|scalar)");

    private final String words;
    private final Pattern name;

    AdapterKind(String words, String ending) {
        this.words = words;
        this.name = Pattern.compile("(?:.+\\.)?" + ending + "(?:\\.[^.]+)?(?:\\.weight)?");
    }

    /// The kind of a tensor that [LoraKey#parse] does not know; empty when its name is none of a known adapter's.
    static Optional<AdapterKind> of(String tensor) {
        return Stream.of(values())
                .filter(kind -> kind.name.matcher(tensor).matches())
                .findFirst();
    }

    String words() {
        return words;
    }
}
