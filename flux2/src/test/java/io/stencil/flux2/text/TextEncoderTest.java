package io.stencil.flux2.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class TextEncoderTest {

    @Test
    void anEncoderWithTooFewLayersIsRefused() {
        Qwen3Config shallow = new Qwen3Config(32, 48, 26, 4, 2, 8, 1280, 1e-6, 1e6);
        try (PromptTokenizer tokenizer = TinyTextEncoder.tokenizer();
                Qwen3Encoder encoder = new Qwen3Encoder(shallow)) {
            assertThatThrownBy(() -> new TextEncoder(tokenizer, encoder, PromptEncoding.KLEIN, DType.FLOAT32))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("has 26 layers")
                    .hasMessageContaining("[9, 18, 27]");
        }
    }

    @Test
    void aTokenizerOfAnotherEncoderIsRefused() {
        Qwen3Encoder encoder = new Qwen3Encoder(new Qwen3Config(32, 48, 2, 4, 2, 8, 300, 1e-6, 1e6));
        PromptEncoding encoding = new PromptEncoding(List.of(1), 32);
        try (TextEncoder text = new TextEncoder(TinyTextEncoder.tokenizer(), encoder, encoding, DType.FLOAT32)) {
            assertThatThrownBy(() -> text.encode("a cat"))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("the text encoder knows 300 ids");
        }
    }

    @Test
    void layersAndLengthMayBeChosen() {
        Qwen3Encoder encoder = new Qwen3Encoder(new Qwen3Config(32, 48, 2, 4, 2, 8, 1280, 1e-6, 1e6));
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(2);
                TextEncoder text = new TextEncoder(
                        TinyTextEncoder.tokenizer(), encoder, new PromptEncoding(List.of(2, 0), 24), DType.FLOAT32)) {
            encoder.initialize(DType.FLOAT32, Device.CPU, generator);
            Tensor embeds = text.encode(List.of("a cat", "a dog", ""));
            assertThat(Tensors.shape(embeds)).containsExactly(3, 24, 64);
        }
    }

    /// The limit counts the tokens of the chat around a prompt too.
    @Test
    void aPromptIsMeasuredBeforeItIsCut() {
        Qwen3Encoder encoder = new Qwen3Encoder(new Qwen3Config(32, 48, 2, 4, 2, 8, 1280, 1e-6, 1e6));
        try (PromptTokenizer counting = TinyTextEncoder.tokenizer();
                TextEncoder text = new TextEncoder(
                        TinyTextEncoder.tokenizer(), encoder, new PromptEncoding(List.of(1), 24), DType.FLOAT32)) {
            int chat = counting.encode(PromptTokenizer.chatText("")).size();
            PromptLength empty = text.length("");
            assertThat(empty).isEqualTo(new PromptLength(chat, 24));
            assertThat(empty.isCut()).isFalse();
            String prompt = "a cat ".repeat(20);
            PromptLength cut = text.length(prompt);
            assertThat(cut.tokens())
                    .isEqualTo(counting.encode(PromptTokenizer.chatText(prompt)).size());
            assertThat(cut.isCut()).isTrue();
        }
    }

    @Test
    void anEncodingWithoutHiddenStatesIsAnError() {
        assertThatThrownBy(() -> new PromptEncoding(List.of(), 512)).isInstanceOf(InvalidRequestException.class);
        assertThatThrownBy(() -> new PromptEncoding(List.of(9), 0)).isInstanceOf(InvalidRequestException.class);
        assertThatThrownBy(() -> new PromptEncoding(List.of(-1), 8)).isInstanceOf(InvalidRequestException.class);
    }
}
