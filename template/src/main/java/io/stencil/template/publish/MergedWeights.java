package io.stencil.template.publish;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.files.AtomicFile;
import io.stencil.json.Json;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.safetensors.Checkpoint;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.TemplateFolder.WeightContent;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.Tensor;

/// All tensors of a trained Template: each from the checkpoint where it was trained, from the folder's own weights
/// where it was not, and where those were random, from the model as it was made. Dtypes stay as they lie in the files.
///
/// They are written under the names that `weights()` declares, each tensor in the file that had it before.
final class MergedWeights {

    static final String FILE_NAME = "model.safetensors";
    private static final String SUFFIX = ".safetensors";

    private MergedWeights() {}

    /// Writes the file of each part, or shards and their index in place of one that would be larger than
    /// `maxShardBytes`.
    ///
    /// @param parts files that the package's code reads, with their tensors
    static void write(
            Path folder,
            CheckpointedTemplate trained,
            Flux2Pipeline base,
            List<WeightContent> parts,
            long maxShardBytes)
            throws IOException {
        List<AutoCloseable> open = new ArrayList<>();
        try (Scope _ = new Scope();
                LoadedTemplate<?, ?> template = trained.load(base)) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            template.model().state().forEach((name, parameter) -> tensors.put(name, parameter.get()));
            for (WeightContent part : parts) {
                if (!part.files().isEmpty()) {
                    Checkpoint source = Checkpoint.open(part.files());
                    open.add(source);
                    source.entries()
                            .keySet()
                            .forEach(name -> tensors.put(part.prefix() + name, TensorFiles.view(source, name)));
                }
            }
            for (Path checkpoint : trained.checkpoints()) {
                SafetensorsFile source = SafetensorsFile.open(checkpoint);
                open.add(source);
                CheckpointedTemplate.names(source, parts)
                        .forEach((name, stored) -> tensors.put(name, TensorFiles.view(source, stored)));
            }
            for (WeightContent part : parts) {
                Map<String, Tensor> own = new LinkedHashMap<>();
                tensors.forEach((name, tensor) -> {
                    if (parts.size() == 1 || part.names().contains(name)) {
                        own.put(name.substring(part.prefix().length()), tensor);
                    }
                });
                write(folder.resolve(part.path()), own, maxShardBytes);
            }
        } finally {
            for (AutoCloseable one : open.reversed()) {
                close(one);
            }
        }
    }

    private static void close(AutoCloseable source) throws IOException {
        try {
            source.close();
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException(e);
        }
    }

    private static void write(Path file, Map<String, Tensor> tensors, long maxShardBytes) throws IOException {
        Map<String, String> metadata = Map.of("format", "pt");
        Files.createDirectories(file.toAbsolutePath().getParent());
        List<Map<String, Tensor>> shards = shards(tensors, maxShardBytes);
        if (shards.size() == 1) {
            TensorFiles.write(file, tensors, metadata);
            return;
        }
        String fileName = file.getFileName().toString();
        String stem = fileName.endsWith(SUFFIX) ? fileName.substring(0, fileName.length() - SUFFIX.length()) : fileName;
        ObjectNode index = Json.MAPPER.createObjectNode();
        index.putObject("metadata")
                .put(
                        "total_size",
                        tensors.values().stream()
                                .mapToLong(MergedWeights::bytes)
                                .sum());
        ObjectNode map = index.putObject("weight_map");
        for (int i = 0; i < shards.size(); i++) {
            String name = String.format(Locale.ROOT, "%s-%05d-of-%05d%s", stem, i + 1, shards.size(), SUFFIX);
            TensorFiles.write(file.resolveSibling(name), shards.get(i), metadata);
            shards.get(i).keySet().forEach(tensor -> map.put(tensor, name));
        }
        AtomicFile.writeText(file.resolveSibling(fileName + ".index.json"), index.toPrettyString() + "\n");
    }

    private static long bytes(Tensor tensor) {
        return LongStream.of(Tensors.shape(tensor)).reduce(1, Math::multiplyExact)
                * DType.of(tensor).bytes();
    }

    /// Fills one shard after another; a tensor that is larger than a shard has one of its own.
    private static List<Map<String, Tensor>> shards(Map<String, Tensor> tensors, long maxShardBytes) {
        List<Map<String, Tensor>> shards = new ArrayList<>();
        Map<String, Tensor> current = new LinkedHashMap<>();
        long bytes = 0;
        for (Map.Entry<String, Tensor> one : tensors.entrySet()) {
            long more = bytes(one.getValue());
            if (!current.isEmpty() && bytes + more > maxShardBytes) {
                shards.add(current);
                current = new LinkedHashMap<>();
                bytes = 0;
            }
            current.put(one.getKey(), one.getValue());
            bytes += more;
        }
        shards.add(current);
        return shards;
    }
}
