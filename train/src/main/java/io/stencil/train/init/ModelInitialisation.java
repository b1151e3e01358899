package io.stencil.train.init;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.files.AtomicFile;
import io.stencil.files.AtomicFolder;
import io.stencil.flux2.files.ModelConfig;
import io.stencil.flux2.text.Qwen3Encoder;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.nn.Initializer;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.safetensors.TensorSpec;
import io.stencil.tensor.DType;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.TorchGenerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Makes a base model with random weights from its configuration: where training from nothing begins.
///
/// The transformer gets the start of DiT; VAE and text encoder that of PyTorch's layers, uniform within one over the
/// root of the fan-in, with token embeddings that are standard normal. A text encoder that stays as it is gives random
/// features: each token still has an embedding of its own, mixed with those before it.
///
/// Each tensor is made when it is written, so that no more than one of them is in memory.
///
/// @param seed of all parts; a part's weights do not depend on which others there are
/// @param dtype of the weights in the files
public record ModelInitialisation(long seed, DType dtype) {

    private static final List<String> PARTS = List.of("transformer", "vae", "text_encoder");
    private static final String CONFIG = "config.json";

    /// Writes the model that `configs` describes.
    ///
    /// @param configs folder in Hugging Face layout: `transformer`, `vae` or `text_encoder`, one at least, each with
    ///     `config.json`; `tokenizer` is copied. Weights in it are not read
    /// @param target gets the whole model; must be absent or empty
    /// @return the parts that were made
    /// @throws InvalidFileException when a configuration is absent or broken, or the target cannot be written
    public List<String> write(Path configs, Path target) {
        return write(configs, target, null);
    }

    /// Writes the model that `configs` describes, with this tokenizer.
    ///
    /// @param tokenizer text of `tokenizer/tokenizer.json`, in place of a copied one; null to copy
    public List<String> write(Path configs, Path target, @Nullable String tokenizer) {
        Map<String, ModelConfig> parts = new LinkedHashMap<>();
        for (String part : PARTS) {
            Path config = configs.resolve(part).resolve(CONFIG);
            if (Files.isRegularFile(config)) {
                parts.put(part, ModelConfig.read(config));
            }
        }
        if (parts.isEmpty()) {
            throw new InvalidFileException(
                    configs, "expected config.json in one of the folders %s, found none".formatted(NameList.of(PARTS)));
        }
        try {
            AtomicFolder.write(target, folder -> {
                fill(configs, parts, folder);
                if (tokenizer != null) {
                    Path into = Files.createDirectories(folder.resolve("tokenizer"));
                    AtomicFile.writeText(into.resolve("tokenizer.json"), tokenizer);
                }
            });
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(target), "cannot be written: " + e, e);
        }
        return List.copyOf(parts.keySet());
    }

    private void fill(Path configs, Map<String, ModelConfig> parts, Path folder) throws IOException {
        for (Map.Entry<String, ModelConfig> part : parts.entrySet()) {
            Path into = Files.createDirectory(folder.resolve(part.getKey()));
            Files.copy(configs.resolve(part.getKey()).resolve(CONFIG), into.resolve(CONFIG));
            writePart(part.getValue(), into);
        }
        copyTokenizer(configs.resolve("tokenizer"), folder.resolve("tokenizer"));
    }

    private void writePart(ModelConfig config, Path folder) throws IOException {
        switch (config) {
            case ModelConfig.Transformer(var sizes) ->
                save(new Flux2Transformer(sizes), TransformerStart::of, folder, "diffusion_pytorch_model.safetensors");
            case ModelConfig.Vae(var sizes) ->
                save(new AutoencoderKlFlux2(sizes), (_, _) -> null, folder, "diffusion_pytorch_model.safetensors");
            case ModelConfig.TextEncoder(var sizes, var prompts) -> {
                prompts.requireFits(sizes);
                save(new Qwen3Encoder(sizes), (_, _) -> null, folder, "model.safetensors");
            }
        }
    }

    /// Makes tensor by tensor while they are written.
    private void save(
            Module model, BiFunction<String, Parameter, @Nullable Initializer> start, Path folder, String name)
            throws IOException {
        Map<String, Parameter> state = model.state();
        List<TensorSpec> specs = new ArrayList<>();
        state.forEach((key, one) -> specs.add(new TensorSpec(
                key,
                (one.isBuffer() ? one.dtype() : dtype).fileDtype(),
                LongStream.of(one.shape()).boxed().toList())));
        try (model;
                TorchGenerator generator = new TorchGenerator(seed)) {
            RandomStart random = new RandomStart(model, generator);
            random.refill(start);
            TensorFiles.write(
                    folder.resolve(name),
                    specs,
                    key -> Objects.requireNonNull(state.get(key)).isBuffer()
                            ? random.make(key)
                            : dtype.cast(random.make(key)),
                    Map.of("format", "pt"));
        }
    }

    private static void copyTokenizer(Path from, Path into) throws IOException {
        if (!Files.isDirectory(from)) {
            return;
        }
        Files.createDirectory(into);
        List<Path> files = new ArrayList<>();
        try (Stream<Path> listed = Files.list(from)) {
            listed.filter(Files::isRegularFile).forEach(files::add);
        }
        for (Path file : files) {
            Files.copy(file, into.resolve(file.getFileName()));
        }
    }

    /// @throws InvalidRequestException for a dtype that weights are not saved in
    public ModelInitialisation {
        if (dtype != DType.FLOAT32 && dtype != DType.BFLOAT16) {
            throw new InvalidRequestException("save_dtype", "must be float32 or bfloat16, found " + dtype);
        }
    }
}
