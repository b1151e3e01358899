package io.stencil.flux2.files;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.json.JsonFile;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The scale of a LoRA's updates as the fields of PEFT's `LoraConfig` give it: `lora_alpha / r`, or with `use_rslora`
/// `lora_alpha / sqrt(r)`.
///
/// The fields stand in a PEFT folder's `adapter_config.json`, as JSON in the metadata `lora_adapter_metadata` of a
/// file that diffusers wrote, or as metadata of their own. `ss_network_alpha` and `ss_network_dim` are not read: the
/// tools that write them read the tensors `.alpha` alone, and a file without those has the scale 1 there.
final class LoraScaling {

    /// No scale is given: every update has the scale 1.
    static final LoraScaling NONE = new LoraScaling("", Map.of(), Map.of(), 1, Set.of());

    private static final String METADATA = "lora_adapter_metadata";
    private static final String TRANSFORMER = "transformer.";
    private static final String TEXT_ENCODER = "text_encoder";
    private static final String ALPHA = "lora_alpha";
    private static final String RANK = "r";
    private static final List<String> FIELDS =
            List.of(ALPHA, RANK, "rank_pattern", "alpha_pattern", "use_rslora", "use_dora");

    /// Values of `init_lora_weights` that begin with changed base weights, which an adapter file does not hold.
    private static final Pattern CHANGES_BASE = Pattern.compile("(?:pissa|olora|corda|loftq).*");

    /// Fields of a `LoraConfig` that change how an update is computed.
    private enum Flag {
        USE_RSLORA,
        USE_DORA
    }

    private final String origin;
    private final Map<Pattern, Double> ranks;
    private final Map<Pattern, Double> alphas;
    private final double alpha;
    private final Set<Flag> flags;

    /// @param origin file of the fields, for messages; empty where there are none
    /// @param ranks by the layers that they hold for, the first that matches counts; the last matches all, if it is
    ///     given
    private LoraScaling(
            String origin, Map<Pattern, Double> ranks, Map<Pattern, Double> alphas, double alpha, Set<Flag> flags) {
        this.origin = origin;
        this.ranks = ranks;
        this.alphas = alphas;
        this.alpha = alpha;
        this.flags = flags;
    }

    /// Reads a PEFT folder's `adapter_config.json`.
    ///
    /// @throws InvalidFileException when it is absent or malformed, or declares what is not supported
    static LoraScaling ofConfig(Path adapterConfig) {
        return new Fields(Location.of(adapterConfig), JsonFile.read(adapterConfig), "").scaling();
    }

    /// Reads the metadata of a LoRA file.
    ///
    /// @return [#NONE] when there is no scale in it
    /// @throws InvalidFileException when it is malformed, or declares what is not supported
    static LoraScaling ofMetadata(Path file, Map<String, String> metadata) {
        String json = metadata.get(METADATA);
        if (json != null) {
            Location place = Location.of(file).field(METADATA);
            JsonNode root = JsonFile.parse(place, json);
            boolean prefixed =
                    root.properties().stream().anyMatch(field -> field.getKey().startsWith(TRANSFORMER));
            Fields fields = new Fields(Location.of(file), root, prefixed ? TRANSFORMER : "");
            if (prefixed || root.has(ALPHA) || root.has(RANK) || !root.isObject()) {
                return fields.scaling();
            }
            requireNoScale(place, root);
            return NONE;
        }
        return metadata.containsKey(ALPHA) ? new Fields(Location.of(file), flat(file, metadata), "").scaling() : NONE;
    }

    /// Fields of the text encoder do not concern the transformer. Of any other part it is unknown whether they do.
    private static void requireNoScale(Location place, JsonNode root) {
        root.properties().stream()
                .filter(field -> !field.getKey().startsWith(TEXT_ENCODER))
                .filter(field -> field.getKey().endsWith("." + ALPHA)
                        || field.getKey().endsWith("." + RANK)
                        || field.getValue().has(ALPHA)
                        || field.getValue().has(RANK))
                .findFirst()
                .ifPresent(field -> {
                    throw new InvalidFileException(
                            place,
                            "gives a scale as '%s', expected transformer.lora_alpha and transformer.r, or lora_alpha and r; rename the fields"
                                    .formatted(field.getKey()));
                });
    }

    /// Metadata of safetensors are strings.
    private static ObjectNode flat(Path file, Map<String, String> metadata) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        for (String field : FIELDS) {
            String text = metadata.get(field);
            if (text != null) {
                String json = Set.of("True", "False", "None").contains(text)
                        ? text.toLowerCase(Locale.ROOT).replace("none", "null")
                        : text;
                node.set(field, JsonFile.parse(Location.of(file).field(field), json));
            }
        }
        return node;
    }

    /// The scale of a layer's update.
    ///
    /// @param layer dotted name in the transformer
    /// @param rank of the layer's matrices
    /// @throws InvalidFileException when another rank is declared for the layer
    double of(String layer, long rank) {
        first(ranks, layer).filter(declared -> declared != rank).ifPresent(declared -> {
            throw new InvalidFileException(
                    new Location(origin, null, RANK),
                    "is %s for '%s', but the rank of its lora_A is %s: the configuration is another adapter's"
                            .formatted(declared.longValue(), layer, rank));
        });
        double layerAlpha = first(alphas, layer).orElse(alpha);
        return this == NONE ? 1 : layerAlpha / (flags.contains(Flag.USE_RSLORA) ? Math.sqrt((double) rank) : rank);
    }

    /// Checks that a file has the magnitudes of a DoRA where its configuration says that it is one.
    ///
    /// @throws InvalidFileException when they are missing
    void requireMagnitudes(boolean found) {
        if (flags.contains(Flag.USE_DORA) && !found) {
            throw new InvalidFileException(
                    new Location(origin, null, "use_dora"),
                    "is true, but no layer has a lora_magnitude_vector, without which the result would be wrong; save the DoRA again");
        }
    }

    private static Optional<Double> first(Map<Pattern, Double> values, String layer) {
        return values.entrySet().stream()
                .filter(entry -> entry.getKey().matcher(layer).matches())
                .map(Map.Entry::getValue)
                .findFirst();
    }

    /// Fields of a `LoraConfig`, checked when they are read.
    ///
    /// @param prefix of every field's name
    private record Fields(Location place, JsonNode root, String prefix) {

        LoraScaling scaling() {
            if (!root.isObject()) {
                throw fault("", "must be an object with lora_alpha and r, found " + root);
            }
            requireSupported();
            Map<Pattern, Double> ranks = patterns("rank_pattern", true);
            if (!get(RANK).isNull()) {
                ranks.put(Pattern.compile(".*"), number(RANK, get(RANK), true));
            }
            if (get(ALPHA).isNull()) {
                throw fault(ALPHA, "is missing; expected a number, for the scale of the LoRA is lora_alpha / r");
            }
            return new LoraScaling(
                    String.valueOf(place.file()),
                    ranks,
                    patterns("alpha_pattern", false),
                    number(ALPHA, get(ALPHA), false),
                    flags());
        }

        /// What makes an adapter another one than `scale * B A`.
        private void requireSupported() {
            String type = get("peft_type").asText("");
            if (!type.isEmpty() && !type.equals("LORA")) {
                throw fault("peft_type", "is %s, and only LORA is supported".formatted(type));
            }
            if (flag("use_qalora")) {
                throw fault("use_qalora", "is true, and QALoRA is not supported");
            }
            if (!get("layer_replication").isNull()) {
                throw fault("layer_replication", "is set, and a model with replicated layers is not supported");
            }
            String start = get("init_lora_weights").asText("");
            if (CHANGES_BASE.matcher(start).matches()) {
                throw fault(
                        "init_lora_weights",
                        "is %s, which changes the base model's weights too; convert it to a plain LoRA with PEFT's path_initial_model_for_weight_conversion"
                                .formatted(start));
            }
        }

        private Set<Flag> flags() {
            return Stream.of(Flag.values())
                    .filter(flag -> flag(flag.name().toLowerCase(Locale.ROOT)))
                    .collect(Collectors.toUnmodifiableSet());
        }

        private JsonNode get(String field) {
            JsonNode node = root.get(prefix + field);
            return node == null ? NullNode.getInstance() : node;
        }

        private boolean flag(String field) {
            JsonNode node = get(field);
            if (!node.isNull() && !node.isBoolean()) {
                throw fault(field, "must be true or false, found " + node);
            }
            return node.asBoolean(false);
        }

        /// As PEFT matches names: the whole name, or what is behind a dot of it.
        private Map<Pattern, Double> patterns(String field, boolean rank) {
            Map<Pattern, Double> values = new LinkedHashMap<>();
            JsonNode node = get(field);
            if (!node.isNull() && !node.isObject()) {
                throw fault(field, "must be an object of layer names and numbers, found " + node);
            }
            node.properties().forEach(entry -> {
                try {
                    values.put(
                            Pattern.compile("(?:.*\\.)?(?:" + entry.getKey() + ")"),
                            number(field + "." + entry.getKey(), entry.getValue(), rank));
                } catch (PatternSyntaxException e) {
                    throw fault(field, "'%s' is not a regular expression".formatted(entry.getKey()));
                }
            });
            return values;
        }

        private double number(String field, JsonNode node, boolean rank) {
            double value = node.isNumber() ? node.doubleValue() : Double.NaN;
            if (rank && !(value >= 1 && value == Math.rint(value) && value <= Integer.MAX_VALUE)) {
                throw fault(field, "must be a whole number of at least 1, found " + node);
            }
            if (!Double.isFinite(value)) {
                throw fault(field, "must be a finite number, found " + (node.isNumber() ? node.asText() : node));
            }
            return value;
        }

        private InvalidFileException fault(String field, String what) {
            return new InvalidFileException(field.isEmpty() ? place : place.field(prefix + field), what);
        }
    }
}
