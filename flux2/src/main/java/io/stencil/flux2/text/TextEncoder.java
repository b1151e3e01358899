package io.stencil.flux2.text;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.text.PromptLength.CutPrompts;
import io.stencil.flux2.text.PromptTokenizer.PromptTokens;
import io.stencil.nn.Module.OpenPass;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import java.util.Collections;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// Prompts to prompt embeddings: the chosen hidden states of each token, side by side.
///
/// It owns the tokenizer and the encoder and closes both.
public final class TextEncoder implements AutoCloseable {

    private final PromptTokenizer tokenizer;
    private final Qwen3Encoder encoder;
    private final PromptEncoding encoding;
    private final DType dtype;

    /// @param dtype of the computation and of the embeddings; that of the weights may differ
    /// @throws InvalidRequestException when the encoder has fewer layers than `encoding` reads
    public TextEncoder(PromptTokenizer tokenizer, Qwen3Encoder encoder, PromptEncoding encoding, DType dtype) {
        encoding.requireFits(encoder.config());
        this.tokenizer = tokenizer;
        this.encoder = encoder;
        this.encoding = encoding;
        this.dtype = dtype;
    }

    public PromptTokenizer tokenizer() {
        return tokenizer;
    }

    public Qwen3Encoder encoder() {
        return encoder;
    }

    public PromptEncoding encoding() {
        return encoding;
    }

    /// Measures a prompt: [#encode] reads the first `maxLength` of its tokens and drops the others.
    ///
    /// @throws InvalidRequestException when the prompt is not well-formed Unicode
    public PromptLength length(String prompt) {
        return new PromptLength(tokenizer.count(prompt), encoding.maxLength());
    }

    /// Embeds one prompt; an empty one too.
    ///
    /// @return `[1, maxLength, hiddenStates * hiddenSize]` on the device of the weights, owned by
    ///     the caller's scope
    /// @throws InvalidRequestException when tokenizer and encoder do not belong together
    public Tensor encode(String prompt) {
        return encode(List.of(prompt));
    }

    /// Embeds prompts in one pass.
    ///
    /// @param prompts at least one
    /// @return `[B, maxLength, hiddenStates * hiddenSize]`
    /// @throws InvalidRequestException when there is no prompt, and as [#encode(String)] does
    public Tensor encode(List<String> prompts) {
        if (prompts.isEmpty()) {
            throw new InvalidRequestException("prompt", "there is none to encode; expected at least one");
        }
        try (OpenPass _ = encoder.openPass(); // the tokenizer is closed with it
                Scope scope = new Scope()) {
            List<PromptTokens> tokens = prompts.stream()
                    .map(prompt -> tokenizer.tokens(prompt, encoding.maxLength()))
                    .toList();
            prompts.forEach(this::recordLength);
            tokens.forEach(this::requireKnown);
            List<Tensor> states = encoder.forward(
                    PromptTokens.idTensor(tokens), PromptTokens.maskTensor(tokens), encoding.hiddenStates(), dtype);
            return scope.keep(Ops.cat(-1, states));
        }
    }

    /// Records the length of a prompt that is cut, where [CutPrompts] are recorded: for embeddings that are used again.
    public void recordLength(String prompt) {
        if (CutPrompts.areRecorded()) {
            CutPrompts.add(length(prompt));
        }
    }

    private void requireKnown(PromptTokens tokens) {
        long largest = Collections.max(tokens.ids());
        int vocabulary = encoder.config().vocabSize();
        if (largest >= vocabulary) {
            throw new InvalidRequestException(
                    "tokenizer_path",
                    "gives token id %s, but the text encoder knows %s ids; use the tokenizer that belongs to it"
                            .formatted(largest, vocabulary));
        }
    }

    /// Frees both; passes on other threads are waited for.
    @Override
    public void close() {
        encoder.close();
        tokenizer.close();
    }
}
