package io.stencil.flux2.text;

import io.stencil.nn.WeightLoader;
import io.stencil.safetensors.Checkpoint;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.TestFiles;

/// The text encoder of the tiny model.
final class TinyTextEncoder {

    private TinyTextEncoder() {}

    static Qwen3Config config() {
        return Qwen3Config.read(TestFiles.tinyModel("text_encoder/config.json"));
    }

    /// @param dtype of the weights
    static Qwen3Encoder encoder(DType dtype) {
        Qwen3Encoder encoder = new Qwen3Encoder(config());
        new WeightLoader(dtype, Device.CPU)
                .load(encoder, Checkpoint.open(TestFiles.tinyModel("text_encoder")), Qwen3Encoder.IGNORED_TENSORS);
        return encoder;
    }

    static PromptTokenizer tokenizer() {
        return PromptTokenizer.open(TestFiles.tinyModel("tokenizer"));
    }

    static TextEncoder open(DType weights, DType compute, PromptEncoding encoding) {
        return new TextEncoder(tokenizer(), encoder(weights), encoding, compute);
    }
}
