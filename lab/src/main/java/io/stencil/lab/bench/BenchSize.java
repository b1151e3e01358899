package io.stencil.lab.bench;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.text.Qwen3Config;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.flux2.vae.VaeConfig;
import java.util.List;

/// The shapes that are measured.
///
/// @param textTokens of the prompt
/// @param templateLength keys and values that the Template gives each block
/// @param hiddenState of the text encoder up to which its layers run
/// @param side of the image in pixels
public record BenchSize(
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

    /// A size by its name: `klein` is FLUX.2-klein-4B cut to three blocks, with four layers of its text encoder; `full`
    /// is all of it; `tiny` is small enough for a test.
    ///
    /// @throws InvalidRequestException for another name
    public static BenchSize named(String name) {
        TransformerConfig klein = TransformerConfig.klein4b();
        return switch (name) {
            case "klein" ->
                new BenchSize(
                        klein.with(klein.inChannels(), 1, 2),
                        Qwen3Config.size4B().withLayers(4),
                        VaeConfig.flux2(),
                        TOKENS,
                        TOKENS,
                        4,
                        SIDE);
            case "full" ->
                new BenchSize(
                        klein,
                        Qwen3Config.size4B(),
                        VaeConfig.flux2(),
                        TOKENS,
                        TOKENS,
                        27, // the last of those that make the prompt's embedding
                        SIDE);
            case "tiny" ->
                new BenchSize(
                        new TransformerConfig(128, 1, 2, 32, 2, 48, 256, 3, List.of(8, 8, 8, 8), 2000, 1e-6, false),
                        new Qwen3Config(32, 64, 2, 2, 1, 16, 100, 1e-6, 1e6),
                        new VaeConfig(List.of(8, 8, 16, 16), 1, 32, 4, 1e-4),
                        12,
                        6,
                        2,
                        32);
            default -> throw new InvalidRequestException("size", "expected klein or full, found '%s'".formatted(name));
        };
    }

    /// The same for another image.
    ///
    /// @throws InvalidRequestException when the side is no positive multiple of 16
    public BenchSize withSide(int pixels) {
        if (pixels < PIXELS_PER_TOKEN || pixels % PIXELS_PER_TOKEN != 0) {
            throw new InvalidRequestException("side", "must be a positive multiple of 16, found " + pixels);
        }
        return new BenchSize(transformer, text, vae, textTokens, templateLength, hiddenState, pixels);
    }

    /// Tokens of a side.
    int sideTokens() {
        return side / PIXELS_PER_TOKEN;
    }
}
