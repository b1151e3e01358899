package io.stencil.lab.bench;

import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.GradMode;
import io.stencil.autograd.GradientTape;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.files.AtomicFolder;
import io.stencil.flux2.text.Qwen3Encoder;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.flux2.transformer.TextTokens;
import io.stencil.flux2.transformer.TokenIds;
import io.stencil.flux2.transformer.TransformerInput;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.lab.bench.BenchModels.Product;
import io.stencil.lab.bench.BenchModels.Size;
import io.stencil.lab.bench.BenchReport.Measurement;
import io.stencil.nn.FlopCounter;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.template.value.ValueKeyValues;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.ProductSpeed;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.train.optim.AdamW;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Benchmarks of the parts of FLUX.2.
public enum Benchmark {
    /// A training step of a value Template, as the second of two stages does it: the Template's forward, the
    /// transformer, the loss, the gradients of the Template's weights, and their update.
    TRAINING("training", 2),
    /// The same with gradient checkpointing.
    TRAINING_CHECKPOINTED("training-checkpointed", 3),
    /// One denoising pass with keys and values of a Template.
    DENOISING("denoising", 1),
    /// Encoding and decoding of an image.
    VAE("vae", 1),
    /// A prompt of random tokens through the layers of the text encoder.
    TEXT("text", 1);

    private static final double LEARNING_RATE = 1e-4;
    private static final double WEIGHT_DECAY = 0.01;
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final String COMMAND = "bench";
    private static final String PEAK = "VmHWM:";

    private final String label;
    private final int passes;

    /// @param passes number of forward passes that cost the same: a backward pass through frozen weights is one more,
    ///     and so is recomputing
    Benchmark(String label, int passes) {
        this.label = label;
        this.passes = passes;
    }

    /// Its name in options and in JSON.
    public String label() {
        return label;
    }

    /// Benchmarks by their names, in the order of this enum; none means all.
    ///
    /// @throws InvalidRequestException for an unknown name
    public static List<Benchmark> named(Collection<String> names) {
        List<String> known = Stream.of(values()).map(Benchmark::label).toList();
        for (String name : names) {
            if (!known.contains(name)) {
                throw new InvalidRequestException(
                        "works", "'%s' is not known; expected %s".formatted(name, NameList.of(known)));
            }
        }
        return Stream.of(values())
                .filter(benchmark -> names.isEmpty() || names.contains(benchmark.label))
                .toList();
    }

    /// Runs once to warm up, and then several times. Before, between and after these the machine's speed in a product
    /// alone is measured: in the dtype that is computed in, with the rows and columns of the work's largest product, of
    /// whose result at most 2,048 columns are computed.
    ///
    /// The memory is that of the whole process since it began: run one benchmark a process.
    public Measurement measure(BenchModels models, Runs runs) {
        return switch (this) {
            case TRAINING, TRAINING_CHECKPOINTED -> training(models, runs);
            case DENOISING -> {
                try (TransformerPass pass = new TransformerPass(models)) {
                    yield inference(models, () -> pass.predict(Checkpointing.OFF), runs);
                }
            }
            case VAE -> {
                LoadOptions load = models.load();
                int side = models.size().side();
                try (AutoencoderKlFlux2 vae = models.vae();
                        TorchGenerator generator = new TorchGenerator(2)) {
                    yield inference(
                            models,
                            () -> vae.decode(
                                    vae.encode(load.device().place(generator.randn(load.compute(), 1, 3, side, side)))),
                            runs);
                }
            }
            case TEXT -> {
                try (Qwen3Encoder encoder = models.text();
                        TorchGenerator generator = new TorchGenerator(2)) {
                    int state = Math.min(
                            models.size().hiddenState(), encoder.config().numHiddenLayers());
                    int tokens = models.size().textTokens();
                    yield inference(
                            models,
                            () -> encoder.forward(
                                            generator.randint(encoder.config().vocabSize(), 1, tokens),
                                            Tensors.full(1, DType.INT64, Device.CPU, 1, tokens),
                                            List.of(state),
                                            models.load().compute())
                                    .getFirst(),
                            runs);
                }
            }
        };
    }

    /// Runs a benchmark in a process that does nothing else, so that the memory reported is its own.
    ///
    /// @param command program and arguments that measure, without the option that names the result's file
    /// @throws InvalidRequestException with what the process printed, when it failed
    public static Measurement measureSeparately(List<String> command) {
        try (AtomicFolder.Temporary folder = AtomicFolder.Temporary.create("stencil-bench")) {
            Path result = folder.path().resolve("result.json");
            List<String> all = new ArrayList<>(command);
            all.add("--output_path=" + result);
            Process process = new ProcessBuilder(all).redirectErrorStream(true).start();
            process.getOutputStream().close();
            try {
                String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                int code = process.waitFor();
                if (code != 0) {
                    throw new InvalidRequestException(COMMAND, reason(printed, code));
                }
            } finally {
                process.destroyForcibly();
            }
            return BenchReport.read(result).getFirst();
        } catch (IOException e) {
            throw new InvalidFileException(Location.ofField(COMMAND), "a process cannot be run: " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InvalidRequestException(Location.ofField(COMMAND), "was interrupted", e);
        }
    }

    /// The last line is the error; a process that the system killed has none.
    private static String reason(String printed, int code) {
        List<String> lines = printed.lines().filter(line -> !line.isBlank()).toList();
        return lines.isEmpty() || code > 128
                ? "the process of a benchmark ended with exit code %s; is there memory enough?".formatted(code)
                : lines.getLast().replaceFirst("^stencil: ", "");
    }

    /// How often a work is measured.
    ///
    /// @param repeats counted ones, at least 1
    /// @param profiled whether a [Profile] of them is made
    public record Runs(int repeats, boolean profiled) {}

    private Measurement training(BenchModels models, Runs runs) {
        try (TransformerPass pass = new TransformerPass(models)) {
            pass.template().trainOnly(Set.of(""));
            Collection<Parameter> parameters = pass.template().state().values();
            try (AdamW optimizer = new AdamW(parameters, AdamW.Settings.withDecay(WEIGHT_DECAY))) {
                return timed(models, () -> step(pass, optimizer, parameters), runs);
            }
        }
    }

    /// @return multiplications, each with its addition, of the forward pass
    private long step(TransformerPass pass, AdamW optimizer, Collection<Parameter> parameters) {
        long forward;
        try (Scope _ = new Scope();
                GradMode _ = GradMode.enabled();
                GradientTape tape = new GradientTape()) {
            Tensor velocity;
            try (FlopCounter counter = new FlopCounter()) {
                velocity = pass.predict(this == TRAINING_CHECKPOINTED ? tape : Checkpointing.OFF);
                forward = counter.total();
            }
            Tensor loss = Ops.meanSquaredError(velocity, Ops.add(velocity.detach(), 1));
            tape.backward(loss);
            Tensors.toDouble(loss);
        }
        optimizer.update(LEARNING_RATE);
        parameters.forEach(Parameter::clearGradient);
        return forward;
    }

    private Measurement inference(BenchModels models, Supplier<Tensor> forward, Runs runs) {
        return timed(
                models,
                () -> {
                    try (FlopCounter counter = new FlopCounter();
                            Scope _ = new Scope();
                            GradMode _ = GradMode.disabled()) {
                        Tensors.toFloats(forward.get());
                        return counter.total();
                    }
                },
                runs);
    }

    /// @param run computes once, and returns the multiplications, each with its addition, of the forward pass
    private Measurement timed(BenchModels models, LongSupplier run, Runs runs) {
        Size size = models.size();
        Product shape = switch (this) {
            case TRAINING, TRAINING_CHECKPOINTED, DENOISING -> size.transformerProduct();
            case VAE -> size.vaeProduct();
            case TEXT -> size.textProduct();
        };
        double operations = 2.0 * passes * run.getAsLong();
        List<Double> seconds = new ArrayList<>();
        List<Double> products = new ArrayList<>(List.of(shape.operationsPerSecond(models.load())));
        List<Profile.Seconds> profiles = new ArrayList<>();
        for (int i = 0; i < runs.repeats(); i++) {
            long began = System.nanoTime();
            if (runs.profiled()) {
                try (Profile profile = new Profile(ProductSpeed.threads())) {
                    var _ = run.getAsLong();
                    profiles.add(profile.end());
                }
            } else {
                var _ = run.getAsLong();
            }
            seconds.add((System.nanoTime() - began) / 1e9);
            products.add(shape.operationsPerSecond(models.load()));
        }
        return new Measurement(
                label, seconds, operations, products, peak(), profiles.isEmpty() ? null : Profile.mean(profiles));
    }

    private static @Nullable Long peak() {
        try {
            for (String line : Files.readAllLines(STATUS)) {
                if (line.startsWith(PEAK)) {
                    return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
                }
            }
            return null;
        } catch (IOException _) {
            return null; // not Linux
        }
    }

    /// The transformer, steered by a value Template with random weights, on random latents and a random prompt.
    private static final class TransformerPass implements AutoCloseable {

        private static final double VALUE = 0.5;
        private static final double TIMESTEP = 500;

        private final Size size;
        private final DType compute;
        private final Device device;
        private final Flux2Transformer transformer;
        private final ValueKeyValues template;

        TransformerPass(BenchModels models) {
            size = models.size();
            compute = models.load().compute();
            device = models.load().device();
            transformer = models.transformer();
            transformer.trainOnly(Set.of());
            template = ValueKeyValues.forBase(transformer.config(), size.templateLength());
            try (TorchGenerator generator = new TorchGenerator(1)) {
                template.initialize(models.trained(), device, generator);
            }
        }

        ValueKeyValues template() {
            return template;
        }

        /// @return the velocity `[1, S, channels]`, owned by the caller's scope
        Tensor predict(Checkpointing checkpointing) {
            KvCache cache = template.forward(VALUE, compute, device);
            try (TorchGenerator generator = new TorchGenerator(2)) {
                int tokens = size.sideTokens();
                int channels = transformer.config().inChannels();
                Tensor latents = generator.randn(compute, 1, (long) tokens * tokens, channels);
                Tensor prompt = generator.randn(
                        compute, 1, size.textTokens(), transformer.config().jointAttentionDim());
                TransformerInput input = TransformerInput.of(
                                new ImageTokens(device.place(latents), TokenIds.image(tokens, tokens)),
                                TextTokens.of(device.place(prompt)),
                                TIMESTEP)
                        .withKvCache(cache);
                return transformer.forward(input, checkpointing);
            }
        }

        @Override
        public void close() {
            template.close();
            transformer.close();
        }
    }
}
