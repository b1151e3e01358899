package io.stencil.template.publish;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.files.AtomicFile;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.safetensors.Checkpoint;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.safetensors.TensorSource;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.Tensor;

/// All tensors of a trained Template: each from the checkpoint where it was trained, from the folder's own weights
/// where
/// it was not, and where those were random, from the model as it was made. Dtypes stay as they lie in the files.
final class MergedWeights {

    static final String FILE_NAME = "model.safetensors";
    private static final JsonMapper MAPPER = new JsonMapper();

    private MergedWeights() {}

    /// Writes one file, or shards and their index where it would be larger than `maxShardBytes`.
    static void write(Path folder, CheckpointedTemplate trained, Flux2Pipeline base, long maxShardBytes)
            throws IOException {
        List<AutoCloseable> open = new ArrayList<>();
        try (Scope _ = new Scope();
                LoadedTemplate<?, ?> template = trained.load(base)) {
            Map<String, Parameter> state = template.model().state();
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            state.forEach((name, parameter) -> tensors.put(name, parameter.get()));
            List<Path> own = trained.folder().weightFiles(base);
            if (!own.isEmpty()) {
                Checkpoint source = Checkpoint.open(own);
                open.add(source);
                put(tensors, source);
            }
            if (trained.checkpoint() != null) {
                SafetensorsFile source = SafetensorsFile.open(trained.checkpoint());
                open.add(source);
                CheckpointedTemplate.names(source)
                        .forEach((name, stored) -> tensors.put(name, TensorFiles.view(source, stored)));
            }
            write(folder, tensors, maxShardBytes);
        } finally {
            for (AutoCloseable one : open.reversed()) {
                close(one);
            }
        }
    }

    private static void put(Map<String, Tensor> tensors, TensorSource source) {
        source.entries().keySet().forEach(name -> tensors.put(name, TensorFiles.view(source, name)));
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

    private static void write(Path folder, Map<String, Tensor> tensors, long maxShardBytes) throws IOException {
        Map<String, String> metadata = Map.of("format", "pt");
        List<Map<String, Tensor>> shards = shards(tensors, maxShardBytes);
        if (shards.size() == 1) {
            TensorFiles.write(folder.resolve(FILE_NAME), tensors, metadata);
            return;
        }
        ObjectNode index = MAPPER.createObjectNode();
        index.putObject("metadata")
                .put(
                        "total_size",
                        tensors.values().stream()
                                .mapToLong(MergedWeights::bytes)
                                .sum());
        ObjectNode map = index.putObject("weight_map");
        for (int i = 0; i < shards.size(); i++) {
            String name = String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, shards.size());
            TensorFiles.write(folder.resolve(name), shards.get(i), metadata);
            shards.get(i).keySet().forEach(tensor -> map.put(tensor, name));
        }
        AtomicFile.writeText(folder.resolve(FILE_NAME + ".index.json"), index.toPrettyString() + "\n");
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
