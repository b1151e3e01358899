package io.stencil.flux2.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stencil.flux2.text.PromptTokenizer.PromptTokens;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.Golden;
import io.stencil.testing.TensorAssert;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

/// Ids, masks and embeddings of five prompts against the reference: one empty, one beyond 512 tokens, one with a
/// special token in it.
class TextEncoderGoldenTest {

    /// Two independent implementations agree to 1.3e-6.
    private static final double FLOAT32 = 2e-5;

    /// Rounding to 8 bits in 27 layers.
    private static final double BFLOAT16 = 3e-2;

    private final Scope scope = new Scope();
    private final Golden golden = Golden.read("text_encoder_io.safetensors");
    private final List<String> prompts = texts("prompts");

    @Test
    void chatTextsTokenIdsAndMasksAreEqual() {
        try (scope;
                PromptTokenizer tokenizer = TinyTextEncoder.tokenizer()) {
            assertThat(prompts).hasSize(5);
            assertThat(prompts.stream().map(PromptTokenizer::chatText)).isEqualTo(texts("chat_texts"));
            for (int i = 0; i < prompts.size(); i++) {
                PromptTokens tokens = tokenizer.tokens(prompts.get(i), 512);
                assertThat(tokens.ids()).as(prompts.get(i)).isEqualTo(row("input_ids", i));
                assertThat(tokens.mask()).as(prompts.get(i)).isEqualTo(row("attention_mask", i));
            }
        }
    }

    @Test
    void float32EmbeddingsAreEqual() {
        try (scope;
                TextEncoder encoder = TinyTextEncoder.open(DType.FLOAT32, DType.FLOAT32, PromptEncoding.KLEIN)) {
            double worst = 0;
            for (int i = 0; i < prompts.size(); i++) {
                Tensor embeds = encoder.encode(prompts.get(i));
                worst = Math.max(worst, TensorAssert.assertClose(prompts.get(i), embeds, expected(i), FLOAT32));
            }
            assertThat(worst).isPositive(); // not compared with itself
        }
    }

    @Test
    void aBatchEqualsItsPromptsOneByOne() {
        try (scope;
                TextEncoder encoder = TinyTextEncoder.open(DType.BFLOAT16, DType.FLOAT32, PromptEncoding.KLEIN)) {
            TensorAssert.assertClose("batch", encoder.encode(prompts), golden.tensor("prompt_embeds"), FLOAT32);
        }
    }

    @Test
    void bfloat16EmbeddingsAreNear() {
        try (scope;
                TextEncoder encoder = TinyTextEncoder.open(DType.BFLOAT16, DType.BFLOAT16, PromptEncoding.KLEIN)) {
            for (int i = 0; i < prompts.size(); i++) {
                Tensor embeds = encoder.encode(prompts.get(i));
                assertThat(DType.of(embeds)).isEqualTo(DType.BFLOAT16);
                TensorAssert.assertClose(prompts.get(i), embeds, expected(i), BFLOAT16);
            }
        }
    }

    private Tensor expected(int prompt) {
        return golden.tensor("prompt_embeds").narrow(0, prompt, 1);
    }

    private List<Long> row(String tensor, int prompt) {
        return LongStream.of(Tensors.toLongs(golden.tensor(tensor).narrow(0, prompt, 1)))
                .boxed()
                .toList();
    }

    private List<String> texts(String field) {
        try {
            List<String> texts = new ArrayList<>();
            for (JsonNode text : new ObjectMapper().readTree(golden.json()).path(field)) {
                texts.add(text.textValue());
            }
            return texts;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
