package io.stencil.cli.inspect;

import io.stencil.error.NameList;
import io.stencil.files.ByteText;
import io.stencil.safetensors.Checkpoint;
import io.stencil.safetensors.KeyHash;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.safetensors.TensorEntry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// Looks at weights: a safetensors file, a shard index, or a folder of shards.
final class WeightsInspector {

    private static final int SHOWN = 60;

    private WeightsInspector() {}

    /// @throws io.stencil.error.InvalidFileException when they are broken
    static Finding inspect(Path path) {
        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            List<TensorEntry> tensors = List.copyOf(checkpoint.entries().values());
            return new Finding(
                    path,
                    new WeightsKind(path, tensors, checkpoint.metadata()).describe(),
                    facts(checkpoint, tensors),
                    tensors);
        }
    }

    private static List<Finding.Fact> facts(Checkpoint checkpoint, List<TensorEntry> tensors) {
        List<Finding.Fact> facts = new ArrayList<>();
        if (checkpoint.files().size() > 1) {
            facts.add(new Finding.Fact(
                    "files", Integer.toString(checkpoint.files().size())));
        }
        if (!checkpoint.variants().isEmpty()) {
            List<String> names = checkpoint.variants().stream()
                    .map(file -> file.getFileName().toString())
                    .toList();
            facts.add(new Finding.Fact("not used", NameList.of(names) + ": the same tensors once more"));
        }
        facts.add(new Finding.Fact("tensors", Integer.toString(tensors.size())));
        facts.add(new Finding.Fact("parameters", count(tensors)));
        facts.add(new Finding.Fact("dtypes", dtypes(tensors)));
        facts.add(new Finding.Fact("size", ByteText.of(size(checkpoint.files()))));
        facts.add(new Finding.Fact("key hash", KeyHash.of(tensors)));
        checkpoint.metadata().forEach((key, value) -> facts.add(new Finding.Fact("metadata " + key, shortened(value))));
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
}
