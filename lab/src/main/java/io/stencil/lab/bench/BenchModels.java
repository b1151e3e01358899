package io.stencil.lab.bench;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.files.BaseModelPart;
import io.stencil.flux2.files.ModelConfig;
import io.stencil.flux2.text.Qwen3Config;
import io.stencil.flux2.text.Qwen3Encoder;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.flux2.vae.VaeConfig;
import io.stencil.nn.Module;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.DType;
import io.stencil.tensor.ProductSpeed;
import io.stencil.tensor.TorchGenerator;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Loads the models to measure from files, or makes them with random weights where no files are named.
///
/// @param files of a base model, or null
/// @param size of random models, and of what goes through any
/// @param load dtype of the weights and device
/// @param trained dtype of the Template's weights
public record BenchModels(@Nullable ModelFiles files, Size size, LoadOptions load, DType trained) {

    /// Loads or makes the transformer, frozen and owned by the caller.
    Flux2Transformer transformer() {
        return model(
                ModelRole.TRANSFORMER,
                config -> new Flux2Transformer(
                        config instanceof ModelConfig.Transformer(var read) ? read : size.transformer()));
    }

    /// Loads or makes the VAE, frozen and owned by the caller.
    AutoencoderKlFlux2 vae() {
        return model(
                ModelRole.VAE,
                config -> new AutoencoderKlFlux2(config instanceof ModelConfig.Vae(var read) ? read : size.vae()));
    }

    /// Loads or makes the text encoder, frozen and owned by the caller.
    Qwen3Encoder text() {
        return model(
                ModelRole.TEXT_ENCODER,
                config -> new Qwen3Encoder(
                        config instanceof ModelConfig.TextEncoder(var read, var _) ? read : size.text()));
    }

    /// @param structure makes a model of the configuration in its file, or of [#size] for null
    private <M extends Module> M model(ModelRole role, Function<@Nullable ModelConfig, M> structure) {
        if (files == null) {
            return random(structure.apply(null));
        }
        BaseModelPart part = part(files, role);
        return load.open(structure.apply(part.config()), part);
    }

    private static BaseModelPart part(ModelFiles files, ModelRole role) {
        for (List<Path> paths : files.parts()) {
            List<BaseModelPart> parts = BaseModelPart.recognise(paths);
            Optional<BaseModelPart> found = parts.stream()
                    .filter(part -> ModelRole.of(part.config()) == role)
                    .findFirst();
            parts.stream()
                    .filter(part -> found.filter(part::equals).isEmpty())
                    .forEach(part -> part.weights().close());
            if (found.isPresent()) {
                return found.get();
            }
        }
        throw new InvalidRequestException(
                "model_paths", "names no %s; leave out the works that need it (--works)".formatted(role.label()));
    }

    private <M extends Module> M random(M model) {
        try (TorchGenerator generator = new TorchGenerator(0)) {
            model.initialize(load.dtype(), load.device(), generator);
            return model;
        }
    }

    /// The shapes that are measured.
    ///
    /// @param textTokens of the prompt
    /// @param templateLength keys and values that the Template gives each block
    /// @param hiddenState of the text encoder up to which its layers run
    /// @param side of the image in pixels
    public record Size(
            TransformerConfig transformer,
            Qwen3Config text,
            VaeConfig vae,
            int textTokens,
            int templateLength,
            int hiddenState,
            int side) {

        private static final int TOKENS = 512;
        private static final int SIDE = 256;
        private static final int PIXELS_PER_TOKEN = 16;

        /// A size by its name: `klein` is FLUX.2-klein-4B cut to three blocks, with four layers of its text encoder;
        /// `full` is all of it; `tiny` is small enough for a test.
        ///
        /// @throws InvalidRequestException for another name
        public static Size named(String name) {
            TransformerConfig klein = TransformerConfig.klein4b();
            return switch (name) {
                case "klein" ->
                    new Size(
                            klein.with(klein.inChannels(), 1, 2),
                            Qwen3Config.size4B().withLayers(4),
                            VaeConfig.flux2(),
                            TOKENS,
                            TOKENS,
                            4,
                            SIDE);
                case "full" ->
                    new Size(
                            klein,
                            Qwen3Config.size4B(),
                            VaeConfig.flux2(),
                            TOKENS,
                            TOKENS,
                            27, // the last of those that make the prompt's embedding
                            SIDE);
                case "tiny" ->
                    new Size(
                            new TransformerConfig(128, 1, 2, 32, 2, 48, 256, 3, List.of(8, 8, 8, 8), 2000, 1e-6, false),
                            new Qwen3Config(32, 64, 2, 2, 1, 16, 100, 1e-6, 1e6),
                            new VaeConfig(List.of(8, 8, 16, 16), 1, 32, 4, 1e-4),
                            12,
                            6,
                            2,
                            32);
                default ->
                    throw new InvalidRequestException("size", "expected klein or full, found '%s'".formatted(name));
            };
        }

        /// The same for another image.
        ///
        /// @throws InvalidRequestException when the side is no positive multiple of 16
        public Size withSide(int pixels) {
            if (pixels < PIXELS_PER_TOKEN || pixels % PIXELS_PER_TOKEN != 0) {
                throw new InvalidRequestException("side", "must be a positive multiple of 16, found " + pixels);
            }
            return new Size(transformer, text, vae, textTokens, templateLength, hiddenState, pixels);
        }

        /// Text and image through the first product of a single-stream block.
        Product transformerProduct() {
            return Product.of(
                    textTokens + (long) sideTokens() * sideTokens(),
                    transformer.dim(),
                    3L * transformer.dim() + 2L * transformer.mlpDim());
        }

        /// The prompt through the first product of an MLP.
        Product textProduct() {
            return Product.of(textTokens, text.hiddenSize(), text.intermediateSize());
        }

        /// The image through a convolution of 3 x 3 pixels at half its side, with the channels of the second level, as
        /// the product of matrices that it is.
        Product vaeProduct() {
            long channels = vae.blockOutChannels().get(1);
            return Product.of((long) side * side / 4, 9 * channels, channels);
        }

        /// Tokens of a side.
        int sideTokens() {
            return side / PIXELS_PER_TOKEN;
        }
    }

    /// The shape of a product `[rows, in] x [in, out]`.
    record Product(long rows, long in, long out) {

        private static final long COLUMNS = 2048;

        /// The shape with a part of the columns where there are many: the speed is that of all, and little memory is
        /// taken.
        static Product of(long rows, long in, long out) {
            return new Product(rows, in, Math.min(out, COLUMNS));
        }

        /// The machine's speed in it, in the dtype and on the device that a model computes in and on.
        double operationsPerSecond(LoadOptions load) {
            return ProductSpeed.operationsPerSecond(load.compute(), load.device(), rows, in, out);
        }
    }
}
