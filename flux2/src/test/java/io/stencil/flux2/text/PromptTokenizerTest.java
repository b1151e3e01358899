package io.stencil.flux2.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.util.Utils;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.text.PromptTokenizer.PromptTokens;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PromptTokenizerTest {

    private static final long PADDING = 419;
    private static final long START = 420;
    private static final Path TINY = TestFiles.tinyModel("tokenizer/tokenizer.json");

    @TempDir
    private Path folder;

    @Test
    void aShortPromptIsPaddedOnTheRight() {
        try (PromptTokenizer tokenizer = TinyTextEncoder.tokenizer()) {
            PromptTokens tokens = tokenizer.tokens("", 100);
            assertThat(tokens.ids()).hasSize(100).startsWith(START).endsWith(PADDING);
            assertThat(tokens.length()).isEqualTo(14);
            assertThat(tokens.ids().subList(14, 100)).containsOnly(PADDING);
            assertThat(tokens.mask()).hasSize(100);
            assertThat(Collections.frequency(tokens.mask(), 1L)).isEqualTo(14);
        }
    }

    @Test
    void aLongPromptIsCutOnTheRight() {
        try (PromptTokenizer tokenizer = TinyTextEncoder.tokenizer()) {
            PromptTokens whole = tokenizer.tokens("a long way from here", 512);
            PromptTokens cut = tokenizer.tokens("a long way from here", 9);
            assertThat(cut.ids()).isEqualTo(whole.ids().subList(0, 9));
            assertThat(cut.length()).isEqualTo(9);
            assertThat(cut.mask()).containsOnly(1L);
        }
    }

    @Test
    void specialTokensInAPromptAreSpecial() {
        try (PromptTokenizer tokenizer = TinyTextEncoder.tokenizer()) {
            assertThat(tokenizer.encode("<|im_start|><|endoftext|>")).containsExactly(START, PADDING);
        }
    }

    @Test
    void aPercentSignInAPromptIsText() {
        assertThat(PromptTokenizer.chatText("100%s %n"))
                .isEqualTo("<|im_start|>user\n100%s %n<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n");
    }

    @Test
    void halfASurrogatePairIsRefused() {
        try (PromptTokenizer tokenizer = TinyTextEncoder.tokenizer()) {
            assertThat(tokenizer.encode("\ud83d\ude00")).isNotEmpty();
            assertThatThrownBy(() -> tokenizer.tokens("a \ud83d cat", 32))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("half a surrogate pair");
        }
    }

    @Test
    void nothingIsAskedOfANetwork() {
        try (PromptTokenizer _ = TinyTextEncoder.tokenizer()) {
            assertThat(Utils.isOfflineMode()).isTrue();
        }
    }

    @Test
    void theFileAloneIsEnough() throws IOException {
        Path file = Files.copy(TINY, folder.resolve("tokenizer.json"));
        try (PromptTokenizer tokenizer = PromptTokenizer.open(file)) {
            assertThat(tokenizer.tokens("", 20).ids()).endsWith(PADDING);
        }
    }

    @Test
    void aByteOrderMarkIsPassedOver() throws IOException {
        Path file = Files.writeString(folder.resolve("tokenizer.json"), "\uFEFF" + Files.readString(TINY));
        Files.writeString(folder.resolve("tokenizer_config.json"), "\uFEFF{\"pad_token\": \"<|im_start|>\"}");
        try (PromptTokenizer tokenizer = PromptTokenizer.open(file)) {
            assertThat(tokenizer.tokens("", 20).ids()).endsWith(START);
        }
    }

    @Test
    void thePaddingTokenMayBeNamedByAnObject() throws IOException {
        Files.copy(TINY, folder.resolve("tokenizer.json"));
        Files.writeString(
                folder.resolve("tokenizer_config.json"),
                "{\"pad_token\": {\"__type\": \"AddedToken\", \"content\": \"<|im_start|>\"}}");
        try (PromptTokenizer tokenizer = PromptTokenizer.open(folder)) {
            assertThat(tokenizer.tokens("", 20).ids()).endsWith(START);
        }
    }

    @Test
    void truncationAndPaddingOfTheFileAreOff() throws IOException {
        String json = Files.readString(TINY)
                .replace(
                        "\"truncation\": null",
                        "\"truncation\": {\"max_length\": 3, \"strategy\": \"LongestFirst\", \"stride\": 0,"
                                + " \"direction\": \"Left\"}")
                .replace(
                        "\"padding\": null",
                        "\"padding\": {\"strategy\": {\"Fixed\": 64}, \"direction\": \"Left\", \"pad_id\": 1,"
                                + " \"pad_to_multiple_of\": null, \"pad_type_id\": 0, \"pad_token\": \"!\"}");
        assertThat(json).contains("Fixed").contains("LongestFirst");
        Files.writeString(folder.resolve("tokenizer.json"), json);
        try (PromptTokenizer odd = PromptTokenizer.open(folder);
                PromptTokenizer plain = TinyTextEncoder.tokenizer()) {
            assertThat(odd.tokens("a cat", 30)).isEqualTo(plain.tokens("a cat", 30));
        }
    }

    @Test
    void aMissingTokenizerIsNamed() {
        assertThatThrownBy(() -> PromptTokenizer.open(folder))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(folder.resolve("tokenizer.json") + ": does not exist");
    }

    @Test
    void aBrokenTokenizerIsNamed() throws IOException {
        Path file = Files.writeString(folder.resolve("tokenizer.json"), "{\"version\": ");
        assertThatThrownBy(() -> PromptTokenizer.open(file))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(file + ": is not a tokenizer: ")
                .hasCauseInstanceOf(RuntimeException.class);
    }

    @Test
    void aTokenizerOfAnotherModelIsNamed() throws IOException {
        Path file = folder.resolve("tokenizer.json");
        Files.writeString(file, Files.readString(TINY).replace("<|im_start|>", "<s>"));
        assertThatThrownBy(() -> PromptTokenizer.open(file))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("has no token '<|im_start|>'; expected the tokenizer of a Qwen3 text encoder");
    }

    @Test
    void aMissingPaddingTokenIsNamed() throws IOException {
        Path file = folder.resolve("tokenizer.json");
        Files.writeString(file, Files.readString(TINY).replace("<|endoftext|>", "<pad>"));
        assertThatThrownBy(() -> PromptTokenizer.open(file))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("has no token '<|endoftext|>'");
    }
}
