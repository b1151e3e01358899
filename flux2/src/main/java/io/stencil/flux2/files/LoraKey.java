package io.stencil.flux2.files;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Name of a tensor in a LoRA file: a part of the update of a layer.
///
/// @param layer the layer's name as the file has it, with the prefix of the tool that wrote it
public record LoraKey(String layer, Part part) {

    /// Kind of the factors from which an update is built.
    public enum Kind {
        LORA("LoRA"),
        LOKR("LoKr"),
        LOHA("LoHa"),
        /// No factors, but what goes with those of any kind.
        ANY("");

        private final String title;

        Kind(String title) {
            this.title = title;
        }

        String title() {
            return title;
        }

        /// @param decomposed whether the updates have the magnitudes of a DoRA
        String title(boolean decomposed) {
            if (!decomposed) {
                return title;
            }
            return this == LORA ? "DoRA" : title + " with DoRA magnitudes";
        }
    }

    /// Part of a layer's update.
    public enum Part {
        A(Kind.LORA, "lora_A|lora_down|lora\\.down"),
        B(Kind.LORA, "lora_B|lora_up|lora\\.up"),
        LOKR_W1(Kind.LOKR, "lokr_w1"),
        LOKR_W1_A(Kind.LOKR, "lokr_w1_a"),
        LOKR_W1_B(Kind.LOKR, "lokr_w1_b"),
        LOKR_W2(Kind.LOKR, "lokr_w2"),
        LOKR_W2_A(Kind.LOKR, "lokr_w2_a"),
        LOKR_W2_B(Kind.LOKR, "lokr_w2_b"),
        HADA_W1_A(Kind.LOHA, "hada_w1_a"),
        HADA_W1_B(Kind.LOHA, "hada_w1_b"),
        HADA_W2_A(Kind.LOHA, "hada_w2_a"),
        HADA_W2_B(Kind.LOHA, "hada_w2_b"),
        MAGNITUDE(Kind.ANY, "lora_magnitude_vector|dora_scale"),
        ALPHA(Kind.ANY, "alpha");

        private final Kind kind;
        private final Pattern names;

        Part(Kind kind, String names) {
            this.kind = kind;
            this.names = Pattern.compile(names);
        }

        Kind kind() {
            return kind;
        }

        private static Part of(String name) {
            return Stream.of(values())
                    .filter(part -> part.names.matcher(name).matches())
                    .findFirst()
                    .orElseThrow();
        }
    }

    /// An adapter's name may stand behind the part: `lora_A.default.weight`.
    private static final Pattern MATRIX = Pattern.compile("(.+)\\.(%s)(?:\\.(?!(?:weight|bias)$)[^.]+)?(?:\\.weight)?"
            .formatted(Stream.of(Part.values())
                    .filter(part -> part != Part.ALPHA)
                    .map(part -> part.names.pattern())
                    .collect(Collectors.joining("|"))));

    private static final Pattern ALPHA = Pattern.compile("(.+)\\.(alpha)");

    /// Reads a tensor's name; empty when it is no LoRA tensor.
    public static Optional<LoraKey> parse(String name) {
        return Stream.of(MATRIX, ALPHA)
                .map(pattern -> pattern.matcher(name))
                .filter(Matcher::matches)
                .map(found -> new LoraKey(found.group(1), Part.of(found.group(2))))
                .findFirst();
    }

    /// Titles of the kinds of updates in a file, such as `LoRA`, or `DoRA` where layers have magnitudes.
    public static String kinds(List<LoraKey> keys) {
        Map<String, List<Part>> layers = keys.stream()
                .collect(Collectors.groupingBy(
                        LoraKey::layer, LinkedHashMap::new, Collectors.mapping(LoraKey::part, Collectors.toList())));
        return layers.values().stream()
                .flatMap(parts -> parts.stream()
                        .map(Part::kind)
                        .filter(kind -> kind != Kind.ANY)
                        .map(kind -> kind.title(parts.contains(Part.MAGNITUDE))))
                .distinct()
                .collect(Collectors.joining(" and "));
    }

    /// The tools whose names the layers of a file have, those of the text encoder left out.
    public static String dialects(List<LoraKey> keys) {
        return keys.stream()
                .filter(key -> !LoraFile.isOfTextEncoder(key.layer))
                .map(LoraKey::dialect)
                .distinct()
                .collect(Collectors.joining(" and "));
    }

    /// Returns diffusers' layers that the layer is, three where it is a fused projection; none when FLUX.2's
    /// transformer has no such layer.
    public List<String> diffusersLayers() {
        return BflNames.dotted(LoraLayers.Name.of(layer).layer().replace('.', '_')).stream()
                .flatMap(name -> BflNames.diffusers(name).isEmpty()
                        ? Stream.of(name)
                        : BflNames.diffusers(name).stream().map(BflNames.Layer::name))
                .toList();
    }

    /// The tool whose names the file has, as a title: its prefix says so, and the names of the layers.
    String dialect() {
        return LoraLayers.Name.of(layer).dialect();
    }
}
