package io.stencil.flux2.text;

import io.stencil.error.InvalidRequestException;
import io.stencil.json.ConfigJson;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;

/// What of the text encoder a transformer was trained to read.
///
/// @param hiddenStates numbers of the hidden states that make up a prompt embedding, in their order
/// @param maxLength tokens of a prompt: a shorter one is padded, a longer one cut
public record PromptEncoding(List<Integer> hiddenStates, int maxLength) {

    /// FLUX.2 klein: hidden states 9, 18 and 27 of 512 tokens.
    public static final PromptEncoding KLEIN = new PromptEncoding(List.of(9, 18, 27), 512);

    /// @throws InvalidRequestException when there is nothing to read
    public PromptEncoding {
        hiddenStates = List.copyOf(hiddenStates);
        if (hiddenStates.isEmpty() || maxLength < 1 || Collections.min(hiddenStates) < 0) {
            throw new InvalidRequestException(
                    "text_encoder_out_layers",
                    "hidden states %s of %s tokens cannot be read".formatted(hiddenStates, maxLength));
        }
    }

    /// Reads `text_encoder_out_layers` and `max_sequence_length` of a text encoder's `config.json`. Published
    /// checkpoints have neither: what is absent is as in [#KLEIN].
    ///
    /// @throws io.stencil.error.InvalidFileException for a value that cannot be used
    public static PromptEncoding read(Path configJson) {
        return read(ConfigJson.read(configJson));
    }

    /// @throws io.stencil.error.InvalidFileException for a value that cannot be used
    public static PromptEncoding read(ConfigJson json) {
        try {
            return new PromptEncoding(
                    json.integers("text_encoder_out_layers", KLEIN.hiddenStates),
                    json.integer("max_sequence_length", KLEIN.maxLength));
        } catch (InvalidRequestException e) {
            throw json.fault("text_encoder_out_layers and max_sequence_length: " + e.what(), e);
        }
    }

    /// @throws InvalidRequestException when the encoder has too few layers
    public void requireFits(Qwen3Config config) {
        int layers = config.numHiddenLayers();
        if (layers < Collections.max(hiddenStates)) {
            throw new InvalidRequestException(
                    "text_encoder",
                    "has %s layers, but prompts are read from its hidden states %s; use the model's own text encoder"
                            .formatted(layers, hiddenStates));
        }
    }
}
