package io.stencil.flux2.text;

import io.stencil.error.StencilException;
import java.nio.file.Path;
import java.util.List;

/// Prints the ids of a text.
final class TokenizerMain {

    private TokenizerMain() {}

    /// @param args the tokenizer's folder, the text
    public static void main(String[] args) {
        try (PromptTokenizer tokenizer = PromptTokenizer.open(Path.of(args[0]))) {
            List<Long> ids = tokenizer.encode(args[1]);
            System.out.println("ids " + ids);
        } catch (StencilException e) {
            System.out.println(e.getMessage());
        }
    }
}
