package io.stencil.cli;

import io.stencil.cli.Inspector.Finding;
import io.stencil.cli.Inspector.Finding.Fact;
import io.stencil.error.InvalidFileException;
import io.stencil.error.NameList;
import io.stencil.files.ByteText;
import io.stencil.flux2.files.BaseModelPart;
import io.stencil.flux2.files.KnownCheckpoint;
import io.stencil.flux2.files.LoraKey;
import io.stencil.gguf.GgufFile;
import io.stencil.safetensors.Checkpoint;
import io.stencil.safetensors.KeyHash;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.safetensors.TensorEntry;
import io.stencil.safetensors.TensorSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Describes weights: a safetensors file, a shard index, a folder of shards, or a GGUF file.
final class WeightsInspector {

    private static final int SHOWN = 60;

    private WeightsInspector() {}

    /// @throws io.stencil.error.InvalidFileException when they are broken
    static Finding inspect(Path path) {
        if (path.toString().endsWith(GgufFile.SUFFIX)) {
            return gguf(path);
        }
        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            List<TensorEntry> tensors = List.copyOf(checkpoint.entries().values());
            WeightsKind kind = new WeightsKind(path, tensors, checkpoint.metadata(), new LinkedHashMap<>());
            List<Fact> facts = new ArrayList<>();
            String description = kind.describe(facts);
            facts.addAll(facts(checkpoint, tensors));
            return new Finding(path, description, facts, tensors, kind.names);
        }
    }

    private static Finding gguf(Path path) {
        try (GgufFile file = GgufFile.open(path)) {
            List<TensorEntry> tensors = List.copyOf(file.entries().values());
            List<Fact> facts = new ArrayList<>();
            WeightsKind kind = new WeightsKind(path, tensors, file.metadata(), new LinkedHashMap<>());
            String description = "GGUF: " + kind.describe(facts);
            facts.addAll(facts(file, tensors, path.toFile().length()));
            return new Finding(path, description, facts, tensors, kind.names);
        }
    }

    private static List<Fact> facts(Checkpoint checkpoint, List<TensorEntry> tensors) {
        List<Fact> facts = new ArrayList<>();
        if (checkpoint.files().size() > 1) {
            facts.add(new Fact("files", Integer.toString(checkpoint.files().size())));
        }
        if (!checkpoint.variants().isEmpty()) {
            List<String> names = checkpoint.variants().stream()
                    .map(file -> file.getFileName().toString())
                    .toList();
            facts.add(new Fact("not used", NameList.of(names) + ": the same tensors once more"));
        }
        facts.addAll(facts(checkpoint, tensors, size(checkpoint.files())));
        return facts;
    }

    private static List<Fact> facts(TensorSource source, List<TensorEntry> tensors, long size) {
        List<Fact> facts = new ArrayList<>();
        facts.add(new Fact("tensors", Integer.toString(tensors.size())));
        facts.add(new Fact("parameters", count(tensors)));
        facts.add(new Fact("dtypes", dtypes(tensors)));
        facts.add(new Fact("size", ByteText.of(size)));
        facts.add(new Fact("key hash", KeyHash.of(tensors)));
        source.metadata().forEach((key, value) -> facts.add(new Fact("metadata " + key, shortened(value))));
        return facts;
    }

    private static String count(List<TensorEntry> tensors) {
        long elements = tensors.stream().mapToLong(TensorEntry::elementCount).sum();
        return String.format(Locale.ROOT, "%,d", elements);
    }

    private static String dtypes(List<TensorEntry> tensors) {
        Map<String, Long> counts = tensors.stream()
                .collect(Collectors.groupingBy(
                        tensor -> tensor.dtype().toString(), TreeMap::new, Collectors.counting()));
        if (counts.size() == 1) {
            return counts.keySet().iterator().next();
        }
        return counts.entrySet().stream()
                .map(entry -> entry.getKey() + " (" + entry.getValue() + ")")
                .collect(Collectors.joining(", "));
    }

    private static long size(List<SafetensorsFile> files) {
        return files.stream().mapToLong(file -> file.path().toFile().length()).sum();
    }

    private static String shortened(String value) {
        String line = value.replaceAll("\\s+", " ");
        return line.length() <= SHOWN ? line : line.substring(0, SHOWN) + "... (" + value.length() + " characters)";
    }

    /// Describes the purpose of a set of tensors.
    ///
    /// @param file where they lie: a file, or a folder of shards
    /// @param tensors all of them
    /// @param metadata of the file
    /// @param names is filled with the model's names of tensors, by those of the file
    record WeightsKind(
            Path file, List<TensorEntry> tensors, Map<String, String> metadata, Map<String, List<String>> names) {

        private static final Pattern VALUE_NAME = Pattern.compile(
                "(.*\\.)?proj_[kv]\\.(\\w+)\\.(?:positional_embedding|prefer_value_embedder\\.[02]\\.\\w+)");

        /// @param facts to which those about the parts of a base model are added
        String describe(List<Fact> facts) {
            String kind = lora().or(this::valueTemplate)
                    .or(() -> parts(facts))
                    .or(this::configured)
                    .orElse("tensors of no known model");
            String step = metadata.get("step");
            return step == null ? kind : kind + ", a checkpoint after " + step + " training steps";
        }

        private Optional<String> lora() {
            List<LoraKey> keys = tensors.stream()
                    .map(tensor -> LoraKey.parse(tensor.name()))
                    .flatMap(Optional::stream)
                    .toList();
            if (keys.size() != tensors.size() || keys.isEmpty()) {
                return Optional.empty();
            }
            tensors.forEach(tensor -> {
                List<String> layers = LoraKey.parse(tensor.name()).orElseThrow().diffusersLayers();
                if (!layers.isEmpty()) {
                    names.put(tensor.name(), layers);
                }
            });
            long layers = keys.stream().map(LoraKey::layer).distinct().count();
            Set<Long> ranks = tensors.stream()
                    .filter(tensor -> LoraKey.parse(tensor.name()).orElseThrow().part() == LoraKey.Part.A)
                    .filter(tensor -> !tensor.shape().isEmpty())
                    .map(tensor -> tensor.shape().getFirst())
                    .collect(Collectors.toCollection(TreeSet::new));
            String rank = switch (ranks.size()) {
                case 0 -> "";
                case 1 -> ", rank " + ranks.iterator().next();
                default -> ", ranks " + ranks;
            };
            String dialects = LoraKey.dialects(keys);
            return Optional.of("%s of %s layers%s"
                    .formatted(
                            LoraKey.kinds(keys),
                            layers,
                            rank + (dialects.isEmpty() ? "" : ", %s names".formatted(dialects))));
        }

        /// All tensors, or a trained part of them.
        private Optional<String> valueTemplate() {
            List<MatchResult> names = tensors.stream()
                    .flatMap(tensor ->
                            VALUE_NAME.matcher(tensor.name()).results().filter(covers(tensor)))
                    .toList();
            if (names.size() != tensors.size() || names.isEmpty()) {
                return Optional.empty();
            }
            long blocks = names.stream().map(name -> name.group(2)).distinct().count();
            String length = tensors.stream()
                    .filter(tensor -> tensor.name().endsWith("positional_embedding"))
                    .map(tensor -> ", length " + tensor.shape().getFirst())
                    .findFirst()
                    .orElse("");
            String prefix = names.stream()
                    .map(name -> name.group(1))
                    .filter(Objects::nonNull)
                    .findFirst()
                    .map(text -> ", names begin with " + text)
                    .orElse("");
            return Optional.of("value Template for %s blocks%s%s".formatted(blocks, length, prefix));
        }

        private static Predicate<MatchResult> covers(TensorEntry tensor) {
            return name -> name.group().equals(tensor.name());
        }

        /// Recognises parts of a base model by their names, and checks that nothing of them is missing.
        private Optional<String> parts(List<Fact> facts) {
            Optional<String> named = BaseModelPart.describe(
                    tensors.stream().map(TensorEntry::name).toList());
            if (named.isEmpty()) {
                return Optional.empty();
            }
            List<BaseModelPart> parts = List.of();
            try {
                parts = BaseModelPart.recognise(List.of(file));
                List<String> kinds = new ArrayList<>();
                for (BaseModelPart part : parts) {
                    facts.add(new Fact("names", part.summary()));
                    part.modelNames().forEach(names::put);
                    kinds.add(describe(part, facts));
                }
                return Optional.of(String.join("; ", kinds));
            } catch (InvalidFileException e) {
                facts.add(new Fact("fault", e.what()));
                return named;
            } finally {
                parts.forEach(part -> part.weights().close());
            }
        }

        private static String describe(BaseModelPart part, List<Fact> facts) {
            Optional<KnownCheckpoint> known =
                    KnownCheckpoint.of(part.weights().entries().values());
            if (known.isPresent()) {
                return known.get().title();
            }
            try {
                part.requireComplete();
            } catch (InvalidFileException e) {
                facts.add(new Fact("fault", e.what()));
            }
            return "%s, %s".formatted(part.config().title(), part.sizes().text());
        }

        /// Recognises another model by its `config.json`.
        private Optional<String> configured() {
            Path json = Files.isDirectory(file) ? file.resolve("config.json") : file.resolveSibling("config.json");
            return Files.exists(json)
                    ? Optional.of("model that is not part of FLUX.2, by its config.json")
                    : Optional.empty();
        }
    }
}
