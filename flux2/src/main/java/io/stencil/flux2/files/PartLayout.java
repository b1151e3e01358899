package io.stencil.flux2.files;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.nn.WeightLoader.Bookkeeping;
import io.stencil.safetensors.TensorEntry;
import io.stencil.safetensors.TensorLayout;
import io.stencil.safetensors.TensorLayout.Change;
import io.stencil.safetensors.TensorLayout.Placement;
import io.stencil.safetensors.TensorSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Layout of one part of FLUX.2 in files, recognised by the names of tensors.
///
/// @param prefix before each name, such as `model.diffusion_model.`; a file may hold several parts under prefixes
public record PartLayout(Naming naming, String prefix) {

    /// Parts of a base model.
    public enum Part {
        TRANSFORMER("FLUX.2 transformer", "transformer"),
        VAE("FLUX.2 VAE", "vae"),
        TEXT_ENCODER("Qwen3 text encoder", "text_encoder");

        private final String title;
        private final String folder;

        Part(String title, String folder) {
            this.title = title;
            this.folder = folder;
        }

        /// Name of the part's folder in Hugging Face layout.
        public String folder() {
            return folder;
        }

        public String title() {
            return title;
        }
    }

    /// Whose names a part has, and names that no other naming has.
    public enum Naming {
        DIFFUSERS_TRANSFORMER(
                Part.TRANSFORMER,
                "diffusers names",
                "(?:single_)?transformer_blocks\\.\\d+\\.(?:attn|ff)|(?:x|context)_embedder\\.|time_guidance_embed\\."),
        BFL_TRANSFORMER(
                Part.TRANSFORMER,
                "BFL names",
                "double_blocks\\.\\d+\\.(?:img|txt)_|single_blocks\\.\\d+\\.(?:linear|norm)|(?:img|txt|time)_in\\."),
        DIFFUSERS_VAE(Part.VAE, "diffusers names", "(?:encoder|decoder)\\.(?:down_blocks|up_blocks|mid_block)\\."),
        BFL_VAE(Part.VAE, "BFL names", "(?:encoder|decoder)\\.(?:down|up|mid)\\."),
        TRANSFORMERS_TEXT(
                Part.TEXT_ENCODER,
                "Hugging Face names",
                "embed_tokens\\.|layers\\.\\d+\\.(?:self_attn\\.|mlp\\.|input_layernorm\\.|post_attention_layernorm\\.)"),
        LLAMA_CPP_TEXT(Part.TEXT_ENCODER, "llama.cpp names", LlamaCppNames.PATTERN);

        private final Part part;
        private final String title;
        private final Pattern names;

        Naming(Part part, String title, String names) {
            this.part = part;
            this.title = title;
            this.names = Pattern.compile("((?:[^.]+\\.)*?)(?:" + names + ").*", Pattern.DOTALL);
        }

        public Part part() {
            return part;
        }
    }

    /// Without either it is no transformer but a Template's small copy of one.
    private static final List<String> OUTPUT = List.of("proj_out.weight", "norm_out.linear.weight");

    private static final String TEXT_PREFIX = "model.";
    private static final String UNUSED_HEAD = "lm_head.weight";

    /// Recognises the parts that tensors of these names are, at most one of a part for each prefix.
    public static List<PartLayout> of(Collection<String> names) {
        Map<PartLayout, Integer> counts = new LinkedHashMap<>();
        for (String name : names) {
            for (Naming naming : Naming.values()) {
                Matcher matcher = naming.names.matcher(name);
                if (matcher.matches()) {
                    counts.merge(new PartLayout(naming, matcher.group(1)), 1, Integer::sum);
                }
            }
        }
        List<PartLayout> layouts = new ArrayList<>(counts.keySet());
        layouts.removeIf(layout -> layout.naming == Naming.DIFFUSERS_TRANSFORMER
                && OUTPUT.stream().noneMatch(name -> names.contains(layout.prefix + name)));
        layouts.removeIf(layout -> layouts.stream()
                .anyMatch(other -> other.naming.part == layout.naming.part
                        && other.prefix.equals(layout.prefix)
                        && counts.getOrDefault(other, 0) > counts.getOrDefault(layout, 0)));
        return layouts.stream()
                .sorted(Comparator.comparing(layout -> layout.naming.part))
                .toList();
    }

    /// Returns the names that are of none of the parts and not [bookkeeping][Bookkeeping].
    static List<String> unclaimed(Collection<String> names, List<PartLayout> layouts) {
        return names.stream()
                .filter(name ->
                        layouts.stream().noneMatch(layout -> layout.claims(name)) && !Bookkeeping.mayBeThere(name))
                .toList();
    }

    /// Returns whose names the part has, for messages: `BFL names`, and the prefix.
    public String dialect() {
        boolean plain = prefix.isEmpty() || isOwn();
        return plain ? naming.title : "%s behind '%s'".formatted(naming.title, prefix);
    }

    /// Whether the names are those of this project's modules.
    private boolean isOwn() {
        return switch (naming) {
            case DIFFUSERS_TRANSFORMER, DIFFUSERS_VAE -> prefix.isEmpty();
            case TRANSFORMERS_TEXT -> prefix.equals(TEXT_PREFIX);
            case BFL_TRANSFORMER, BFL_VAE, LLAMA_CPP_TEXT -> false;
        };
    }

    private boolean claims(String name) {
        return name.startsWith(prefix) || isHead(name);
    }

    /// The head of a language model lies beside the model.
    private boolean isHead(String name) {
        return naming == Naming.TRANSFORMERS_TEXT
                && name.endsWith(UNUSED_HEAD)
                && Stream.of("", "model.", "language_model.", "model.language_model.")
                        .anyMatch(inner ->
                                prefix.equals(name.substring(0, name.length() - UNUSED_HEAD.length()) + inner));
    }

    /// Presents a part's tensors under the names and in the shapes of this project's modules.
    ///
    /// @param source of all parts of the file; closed with the result
    /// @param others layouts of all parts of the file
    /// @return `source` itself where nothing differs
    /// @throws InvalidFileException when a tensor has rows that cannot be split, or occurs under two names; `source` is
    ///     not closed then
    TensorSource apply(TensorSource source, List<PartLayout> others) {
        if (isOwn() && others.size() == 1) {
            return source;
        }
        Map<String, Placement> placements = new LinkedHashMap<>();
        for (String file : source.entries().keySet()) {
            if (!claims(file) || others.stream().anyMatch(other -> other.isNearer(file, this))) {
                continue;
            }
            place(source, file).forEach((name, change) -> {
                Placement earlier = placements.put(name, new Placement(file, change));
                if (earlier != null) {
                    throw new InvalidFileException(
                            new Location(source.origin(file), null, file),
                            "is the same tensor as '%s'; keep one of them".formatted(earlier.tensor()));
                }
            });
        }
        return new TensorLayout(
                source, placements, "%s, %s".formatted(dialect(), types(source, placements)), this::fileName);
    }

    private static String types(TensorSource source, Map<String, Placement> placements) {
        return WeightTypes.describe(placements.values().stream()
                .map(placement -> source.entry(placement.tensor()))
                .distinct()
                .toList());
    }

    /// Whether a name is rather this part's than another one's.
    private boolean isNearer(String name, PartLayout other) {
        return claims(name) && (prefix.length() > other.prefix.length() || (isHead(name) && !other.isHead(name)));
    }

    private Map<String, Change> place(TensorSource source, String file) {
        if (isHead(file)) {
            return Map.of(UNUSED_HEAD, Change.NONE);
        }
        String local = file.substring(prefix.length());
        return switch (naming) {
            case DIFFUSERS_TRANSFORMER, DIFFUSERS_VAE -> Map.of(local, Change.NONE);
            case TRANSFORMERS_TEXT -> Map.of(Bookkeeping.mayBeThere(local) ? local : TEXT_PREFIX + local, Change.NONE);
            case LLAMA_CPP_TEXT -> Map.of(LlamaCppNames.huggingFace(local), Change.NONE);
            case BFL_VAE -> {
                String name = BflVaeNames.diffusers(local);
                yield Map.of(name, BflVaeNames.change(name));
            }
            case BFL_TRANSFORMER -> {
                Map<String, Change> parts = new LinkedHashMap<>();
                BflNames.diffusersTensors(local)
                        .forEach(layer -> parts.put(layer.name(), rowsOf(source, file) ? layer.rows() : Change.NONE));
                yield parts.isEmpty() ? Map.of(local, Change.NONE) : parts;
            }
        };
    }

    /// Whether a tensor has the rows of its layer's weight, as one scale for each row has; a scale for all has not.
    private static boolean rowsOf(TensorSource source, String file) {
        TensorEntry weight = source.entries().get(file.substring(0, file.lastIndexOf('.')) + ".weight");
        List<Long> shape = source.entry(file).shape();
        return weight == null
                || (!shape.isEmpty()
                        && !weight.shape().isEmpty()
                        && shape.getFirst().equals(weight.shape().getFirst()));
    }

    private String fileName(String name) {
        return placement(name).tensor();
    }

    /// Returns the tensor of a file that holds a module's tensor, and which part of it that is. Neither need be there.
    public Placement placement(String name) {
        if (isOwn()) {
            return new Placement(name, Change.NONE);
        }
        return switch (naming) {
            case DIFFUSERS_TRANSFORMER, DIFFUSERS_VAE -> new Placement(prefix + name, Change.NONE);
            case TRANSFORMERS_TEXT -> new Placement(textName(name), Change.NONE);
            case BFL_TRANSFORMER ->
                BflNames.bflTensor(name)
                        .map(layer -> new Placement(prefix + layer.name(), layer.rows()))
                        .orElse(new Placement(prefix + name, Change.NONE));
            case BFL_VAE -> new Placement(prefix + BflVaeNames.bfl(name), BflVaeNames.change(name));
            case LLAMA_CPP_TEXT -> new Placement(prefix + LlamaCppNames.llamaCpp(name), Change.NONE);
        };
    }

    private String textName(String name) {
        if (name.equals(UNUSED_HEAD)) {
            return (prefix.endsWith(TEXT_PREFIX) ? prefix.substring(0, prefix.length() - TEXT_PREFIX.length()) : prefix)
                    + name;
        }
        return prefix + (name.startsWith(TEXT_PREFIX) ? name.substring(TEXT_PREFIX.length()) : name);
    }
}
