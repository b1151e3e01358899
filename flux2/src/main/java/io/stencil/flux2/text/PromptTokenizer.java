package io.stencil.flux2.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.error.Location;
import io.stencil.json.ConfigJson;
import io.stencil.json.TextFile;
import io.stencil.tensor.Tensors;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.LongStream;
import java.util.zip.GZIPInputStream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Turns prompts into token ids as Qwen3 does, with its `tokenizer.json`.
///
/// A prompt becomes one user message of a chat, followed by the head of an answer whose thinking is empty. Special
/// tokens that are written in a prompt are tokenised as special. Nothing is fetched.
public final class PromptTokenizer implements AutoCloseable {

    private static final List<String> CHAT_TOKENS = List.of("<|im_start|>", "<|im_end|>", "<think>", "</think>");
    private static final String DEFAULT_PADDING = "<|endoftext|>";
    private static final String QWEN3 = "qwen3-tokenizer.json.gz";

    private final HuggingFaceTokenizer tokenizer;
    private final long paddingId;
    /// Encoding reads, closing writes: the native side has no protection of its own.
    private final ReentrantReadWriteLock uses = new ReentrantReadWriteLock();
    private boolean closed;

    private PromptTokenizer(HuggingFaceTokenizer tokenizer, long paddingId) {
        this.tokenizer = tokenizer;
        this.paddingId = paddingId;
    }

    /// @param path a tokenizer folder, or the `tokenizer.json` in it; a `tokenizer_config.json` beside it may name
    ///     the padding token
    /// @throws InvalidFileException when it is absent or broken, or lacks a token of the chat or the padding token
    public static PromptTokenizer open(Path path) {
        Path file = Files.isDirectory(path) ? path.resolve("tokenizer.json") : path;
        if (!Files.isRegularFile(file)) {
            throw new InvalidFileException(file, "does not exist; expected the tokenizer of the text encoder");
        }
        // the library reads no byte-order mark
        return of(
                TextFile.read(file).getBytes(StandardCharsets.UTF_8),
                file,
                paddingToken(file.resolveSibling("tokenizer_config.json")));
    }

    /// Opens the tokenizer of the published Qwen3 models, which is a part of this library.
    public static PromptTokenizer qwen3() {
        return of(qwen3Json(), Path.of(QWEN3), DEFAULT_PADDING);
    }

    /// Returns the bytes of the `tokenizer.json` of [#qwen3].
    public static byte[] qwen3Json() {
        try (InputStream packed = Objects.requireNonNull(
                        PromptTokenizer.class.getResourceAsStream(QWEN3), "a resource of this library");
                InputStream json = new GZIPInputStream(packed)) {
            return json.readAllBytes();
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(Path.of(QWEN3)), "cannot be read from the library: " + e, e);
        }
    }

    /// @param file for messages
    private static PromptTokenizer of(byte[] json, Path file, String padding) {
        HuggingFaceTokenizer tokenizer = read(json, file);
        try {
            CHAT_TOKENS.forEach(token -> requireToken(tokenizer, token, file));
            return new PromptTokenizer(tokenizer, requireToken(tokenizer, padding, file));
        } catch (RuntimeException e) {
            tokenizer.close();
            throw e;
        }
    }

    /// The ids of a prompt's chat text, padded or cut on the right to `maxLength`.
    ///
    /// @throws InvalidRequestException when the prompt is not well-formed Unicode
    public PromptTokens tokens(String prompt, int maxLength) {
        List<Long> all = encode(chatText(prompt));
        int length = Math.min(all.size(), maxLength);
        List<Long> ids = new ArrayList<>(all.subList(0, length));
        ids.addAll(Collections.nCopies(maxLength - length, paddingId));
        return new PromptTokens(ids, length);
    }

    /// Counts the tokens of a prompt's chat text, before any padding or cut.
    ///
    /// @throws InvalidRequestException when the prompt is not well-formed Unicode
    public int count(String prompt) {
        return encode(chatText(prompt)).size();
    }

    /// The ids of `text` as it stands: no chat, no padding.
    ///
    /// @throws InvalidRequestException when the text is not well-formed Unicode
    /// @throws InvalidStateException after [#close]
    public List<Long> encode(String text) {
        if (text.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
            // the native side would then read every pair in the text as two broken characters
            throw new InvalidRequestException("prompt", "has half a surrogate pair in it; expected Unicode text");
        }
        uses.readLock().lock();
        try {
            if (closed) {
                throw new InvalidStateException("the tokenizer is closed; load the text encoder again");
            }
            return encode(tokenizer, text);
        } finally {
            uses.readLock().unlock();
        }
    }

    /// The text that a prompt is encoded as.
    static String chatText(String prompt) {
        return "<|im_start|>user\n" + prompt + "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n";
    }

    private static List<Long> encode(HuggingFaceTokenizer tokenizer, String text) {
        return LongStream.of(tokenizer.encode(text, false, false).getIds())
                .boxed()
                .toList();
    }

    private static HuggingFaceTokenizer read(byte[] text, Path file) {
        TokenizerLibrary.load();
        try (InputStream json = new ByteArrayInputStream(text)) {
            return HuggingFaceTokenizer.newInstance(
                    json, Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false"));
        } catch (IOException | RuntimeException e) {
            throw new InvalidFileException(Location.of(file), "is not a tokenizer: " + e.getMessage(), e);
        }
    }

    /// What `tokenizer_config.json` names, as a string or as an object with the field `content`.
    private static String paddingToken(Path configFile) {
        if (!Files.isRegularFile(configFile)) {
            return DEFAULT_PADDING;
        }
        ConfigJson config = ConfigJson.read(configFile);
        @Nullable String token = config.textAt("pad_token", "content");
        return token != null ? token : config.text("pad_token", DEFAULT_PADDING);
    }

    private static long requireToken(HuggingFaceTokenizer tokenizer, String token, Path file) {
        List<Long> ids = encode(tokenizer, token);
        if (ids.size() != 1) {
            throw new InvalidFileException(
                    file, "has no token '%s'; expected the tokenizer of a Qwen3 text encoder".formatted(token));
        }
        return ids.getFirst();
    }

    /// Frees the tokenizer once encoding on other threads is over.
    @Override
    public void close() {
        uses.writeLock().lock();
        try {
            closed = true;
            tokenizer.close();
        } finally {
            uses.writeLock().unlock();
        }
    }

    /// The token ids of one prompt, padded on the right.
    ///
    /// @param ids all ids, those of the padding too
    /// @param length number of ids before the padding
    public record PromptTokens(List<Long> ids, int length) {

        public PromptTokens {
            ids = List.copyOf(ids);
            if (length < 0 || length > ids.size()) {
                throw new InvalidRequestException(
                        "length", "%s of %s ids cannot be tokens".formatted(length, ids.size()));
            }
        }

        /// 1 for each token, 0 for each padding.
        public List<Long> mask() {
            return LongStream.range(0, ids.size())
                    .map(i -> i < length ? 1 : 0)
                    .boxed()
                    .toList();
        }

        /// The ids of prompts of one length as int64 `[B, S]` on the CPU.
        static Tensor idTensor(List<PromptTokens> prompts) {
            return tensor(prompts.stream().map(PromptTokens::ids).toList());
        }

        /// The masks of prompts of one length as int64 `[B, S]` on the CPU.
        static Tensor maskTensor(List<PromptTokens> prompts) {
            return tensor(prompts.stream().map(PromptTokens::mask).toList());
        }

        private static Tensor tensor(List<List<Long>> rows) {
            long[] values = rows.stream()
                    .flatMap(List::stream)
                    .mapToLong(Long::longValue)
                    .toArray();
            return Tensors.of(values, rows.size(), rows.getFirst().size());
        }
    }
}
