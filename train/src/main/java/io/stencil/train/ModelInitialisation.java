package io.stencil.train;

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
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
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
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Initialises a base model with random weights from its configuration.
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

    /// Layers of a transformer that are zero at the start.
    private static final List<String> ZERO = List.of(
            "double_stream_modulation_img.linear.weight",
            "double_stream_modulation_txt.linear.weight",
            "single_stream_modulation.linear.weight",
            "norm_out.linear.weight",
            "proj_out.weight");

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
                save(
                        new Flux2Transformer(sizes),
                        ModelInitialisation::transformerStart,
                        folder,
                        "diffusion_pytorch_model.safetensors");
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
        state.forEach((key, parameter) -> specs.add(new TensorSpec(
                key,
                (parameter.isBuffer() ? parameter.dtype() : dtype).fileDtype(),
                LongStream.of(parameter.shape()).boxed().toList())));
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

    /// Makes the random content of a module's tensors one by one, so that a model that is
    /// larger than memory can be written.
    ///
    /// The numbers are those that a generator gives when all tensors are filled one after the other: the generator runs
    /// once through all of them, and its state before each is kept.
    private static final class RandomStart {

        /// How a tensor is filled, and the generator's state before: on the heap, since small native blocks between
        /// large ones would keep glibc from giving the memory of the large ones back.
        @SuppressWarnings("ArrayRecordComponent") // origins are not compared
        private record Origin(Parameter parameter, Initializer initializer, byte[] state) {}

        private final Map<String, Parameter> parameters;
        private final TorchGenerator generator;
        private final Map<String, Origin> origins = new LinkedHashMap<>();

        /// Fills as the module's layers say.
        ///
        /// @param module stays without content
        /// @param generator stays the caller's, and is this object's alone until it is closed
        RandomStart(Module module, TorchGenerator generator) {
            this.parameters = module.state();
            this.generator = generator;
            refill((_, parameter) -> parameter.initializer());
        }

        /// Fills some tensors anew, after all that were filled before.
        ///
        /// @param initializers gives null for a tensor that stays
        void refill(BiFunction<String, Parameter, @Nullable Initializer> initializers) {
            parameters.forEach((name, parameter) -> {
                Initializer initializer = initializers.apply(name, parameter);
                if (initializer != null) {
                    try (Scope _ = new Scope()) {
                        origins.put(name, new Origin(parameter, initializer, Tensors.toBytes(generator.state())));
                        initializer.fill(empty(parameter), generator); // for the state after it
                    }
                }
            });
        }

        /// One tensor: float32, or another dtype that the module demands; owned by the caller's scope.
        Tensor make(String name) {
            Origin origin = Objects.requireNonNull(origins.get(name));
            generator.restore(Tensors.ofBytes(origin.state(), origin.state().length));
            Tensor tensor = empty(origin.parameter());
            origin.initializer().fill(tensor, generator);
            return tensor;
        }

        private static Tensor empty(Parameter parameter) {
            DType own = parameter.dtype().isFloatingPoint() ? DType.FLOAT32 : parameter.dtype();
            return Tensors.empty(own, Device.CPU, parameter.shape());
        }
    }

    /// Chooses the start of a transformer's weight, after the initialisation of DiT (Peebles and Xie 2022,
    /// arXiv:2212.09748, section 3.2 and its published code); null leaves it to the layer.
    ///
    /// Linear layers are Xavier-uniform (Glorot and Bengio 2010). Layers that compute modulations, and the last
    /// projection, are zero, so that every block begins as the identity and the velocity as 0. Where DiT gives the
    /// timestep's MLP a standard deviation of 0.02, which suits a width of a thousand, this one has Xavier's too: at a
    /// width of a hundred its output would all but vanish.
    private static @Nullable Initializer transformerStart(String name, Parameter parameter) {
        long[] shape = parameter.shape();
        if (ZERO.contains(name)) {
            return Initializer.ZEROS;
        }
        if (shape.length != 2) {
            return null;
        }
        double bound = Math.sqrt(6.0 / (shape[0] + shape[1]));
        return (tensor, generator) -> generator.fillUniform(tensor, -bound, bound);
    }
}
