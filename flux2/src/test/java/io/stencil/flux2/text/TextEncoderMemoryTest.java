package io.stencil.flux2.text;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.ResidentMemory;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Encoding leaves nothing behind.
@Tag("memory")
class TextEncoderMemoryTest {

    private static final int PROMPTS = 200;
    private static final Qwen3Config CONFIG = new Qwen3Config(256, 64, 2, 2, 1, 16, 1280, 1e-6, 1e6);

    /// A leak of one hidden state a prompt would be 128 * 256 * 4 bytes: 26 MB in all.
    private static final long GROWTH = 12_000_000;

    @Test
    void residentMemoryStaysFlat() {
        Qwen3Encoder encoder = new Qwen3Encoder(CONFIG);
        PromptEncoding encoding = new PromptEncoding(List.of(1, 2), 128);
        try (TorchGenerator generator = new TorchGenerator(3);
                TextEncoder text = new TextEncoder(TinyTextEncoder.tokenizer(), encoder, encoding, DType.FLOAT32)) {
            encoder.initialize(DType.FLOAT32, Device.CPU, generator);
            encode(text, PROMPTS / 4);
            long before = ResidentMemory.bytes();
            encode(text, PROMPTS);
            assertThat(ResidentMemory.bytes() - before).isLessThan(GROWTH);
        }
    }

    private static void encode(TextEncoder encoder, int prompts) {
        for (int i = 0; i < prompts; i++) {
            try (Scope _ = new Scope()) {
                encoder.encode("prompt number " + i);
            }
        }
    }
}
