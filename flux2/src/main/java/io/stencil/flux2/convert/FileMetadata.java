package io.stencil.flux2.convert;

import io.stencil.flux2.convert.PartTensors.FileTensor;
import io.stencil.flux2.files.ModelConfig;
import io.stencil.gguf.BlockType;
import io.stencil.gguf.GgufFile;
import io.stencil.gguf.GgufValue;
import io.stencil.safetensors.SafetensorsDtype;
import io.stencil.safetensors.StoredType;
import io.stencil.safetensors.TensorSource;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Metadata of a source, kept in the other format too, but for what is no longer true of the result.
final class FileMetadata {

    /// Hashes of the source's tensors, and keys that describe the layout of a GGUF file.
    private static final Pattern STALE = Pattern.compile(
            "modelspec\\.hash_sha256|sshs_(?:model|legacy)_hash|GGUF\\..*|general\\.(?:architecture|alignment|file_type|quantization_version)|comfy\\.gguf\\..*|split\\..*");

    /// Sizes and vocabulary of a GGUF file, which safetensors files have elsewhere.
    private static final Pattern GGUF_ONLY = Pattern.compile("qwen3\\..*|tokenizer\\..*");

    private static final Map<StoredType, Long> FILE_TYPES = Map.ofEntries(
            Map.entry(SafetensorsDtype.F32, 0L),
            Map.entry(SafetensorsDtype.F16, 1L),
            Map.entry(BlockType.Q4_0, 2L),
            Map.entry(BlockType.Q4_1, 3L),
            Map.entry(BlockType.Q8_0, 7L),
            Map.entry(BlockType.Q5_0, 8L),
            Map.entry(BlockType.Q5_1, 9L),
            Map.entry(BlockType.Q2_K, 10L),
            Map.entry(BlockType.Q3_K, 12L),
            Map.entry(BlockType.Q4_K, 15L),
            Map.entry(BlockType.Q5_K, 17L),
            Map.entry(BlockType.Q6_K, 18L),
            Map.entry(BlockType.IQ4_NL, 25L),
            Map.entry(BlockType.IQ4_XS, 30L),
            Map.entry(SafetensorsDtype.BF16, 32L));

    private static final String ARCHITECTURE = "general.architecture";
    private static final String QWEN3 = "qwen3";
    private static final long QUANTIZATION_VERSION = 2;

    private final Map<String, GgufValue> values = new LinkedHashMap<>();

    private FileMetadata() {}

    static FileMetadata of(Path file, TensorSource source) {
        FileMetadata metadata = new FileMetadata();
        if (file.toString().endsWith(GgufFile.SUFFIX)) {
            try (GgufFile typed = GgufFile.open(file)) {
                typed.values().forEach(metadata::keep);
            }
        } else {
            source.metadata().forEach((key, value) -> metadata.keep(key, new GgufValue.Text(value)));
        }
        return metadata;
    }

    private void keep(String key, GgufValue value) {
        if (!key.equals(ModelConfig.METADATA) && !STALE.matcher(key).matches()) {
            values.put(key, value);
        }
    }

    /// Adds a key that is true of the result.
    void put(String key, String text) {
        values.put(key, new GgufValue.Text(text));
    }

    /// Returns the metadata of a safetensors file.
    Map<String, String> texts() {
        Map<String, String> texts = new LinkedHashMap<>();
        values.forEach((key, value) -> {
            if (!(value instanceof GgufValue.Sequence)
                    && !GGUF_ONLY.matcher(key).matches()) {
                texts.put(key, value.text());
            }
        });
        texts.putIfAbsent("format", "pt");
        return texts;
    }

    /// Returns the metadata of a GGUF file of one part.
    Map<String, GgufValue> gguf(ModelConfig config, List<FileTensor> tensors, @Nullable Quantization quantization) {
        Map<String, GgufValue> all = new TreeMap<>(Comparator.comparing((String key) -> !key.equals(ARCHITECTURE))
                .thenComparing(Comparator.naturalOrder()));
        all.putAll(values);
        all.remove("format");
        all.put("general.alignment", new GgufValue.Numeric(32L));
        all.put("general.quantization_version", new GgufValue.Numeric(QUANTIZATION_VERSION));
        Long type = quantization != null ? Long.valueOf(quantization.fileType()) : FILE_TYPES.get(mostUsed(tensors));
        if (type != null) {
            all.put("general.file_type", new GgufValue.Numeric(type));
        }
        all.put(ARCHITECTURE, new GgufValue.Text(config instanceof ModelConfig.TextEncoder ? QWEN3 : "flux"));
        if (config instanceof ModelConfig.TextEncoder(var sizes, var _)) {
            putNumber(all, "block_count", (long) sizes.numHiddenLayers());
            putNumber(all, "embedding_length", (long) sizes.hiddenSize());
            putNumber(all, "feed_forward_length", (long) sizes.intermediateSize());
            putNumber(all, "attention.head_count", (long) sizes.numAttentionHeads());
            putNumber(all, "attention.head_count_kv", (long) sizes.numKeyValueHeads());
            putNumber(all, "attention.key_length", (long) sizes.headDim());
            putNumber(all, "attention.value_length", (long) sizes.headDim());
            putNumber(all, "attention.layer_norm_rms_epsilon", (float) sizes.rmsNormEps());
            putNumber(all, "rope.freq_base", (float) sizes.ropeTheta());
        }
        return all;
    }

    private static void putNumber(Map<String, GgufValue> values, String key, Number number) {
        values.put(QWEN3 + "." + key, new GgufValue.Numeric(number));
    }

    private static @Nullable StoredType mostUsed(List<FileTensor> tensors) {
        return tensors.stream()
                .collect(Collectors.groupingBy(FileTensor::type, Collectors.summingLong(FileTensor::byteSize)))
                .entrySet()
                .stream()
                .max(Map.Entry.<StoredType, Long>comparingByValue()
                        .thenComparing(entry -> entry.getKey().formatName()))
                .map(Map.Entry::getKey)
                .orElse(null);
    }
}
