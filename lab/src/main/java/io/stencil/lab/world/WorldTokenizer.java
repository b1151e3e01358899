package io.stencil.lab.world;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/// `tokenizer.json` of the small world: each word of its [Vocabulary] is one token, with a space before it or without,
/// and every other text is spelled out byte by byte. Around that it works as the tokenizer of Qwen3 does.
public final class WorldTokenizer {

    /// Name of the file in a model's folder `tokenizer`.
    public static final String FILE_NAME = "tokenizer.json";

    private static final ObjectMapper JSON = new ObjectMapper();

    /// Where Qwen3 cuts a text before it looks for tokens: contractions, words, digits, signs, line breaks, spaces.
    private static final String CUTS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    /// @param special left out when tokens become text again
    private record Added(String content, boolean special) {}

    private static final List<Added> ADDED = List.of(
            new Added("<|endoftext|>", true),
            new Added("<|im_start|>", true),
            new Added("<|im_end|>", true),
            new Added("<think>", false),
            new Added("</think>", false));

    private WorldTokenizer() {}

    /// The file's text, the same each time.
    public static String json() {
        List<BytePairs.Pair> merges = BytePairs.learn(Vocabulary.frequencies());
        ObjectNode file = JSON.createObjectNode().put("version", "1.0");
        file.putNull("truncation").putNull("padding");
        putAdded(file.putArray("added_tokens"), ByteAlphabet.all().size() + merges.size());
        file.putObject("normalizer").put("type", "NFC");
        ArrayNode cuts = file.putObject("pre_tokenizer").put("type", "Sequence").putArray("pretokenizers");
        ObjectNode split = cuts.addObject().put("type", "Split");
        split.putObject("pattern").put("Regex", CUTS);
        split.put("behavior", "Isolated").put("invert", false);
        putByteLevel(cuts.addObject(), false);
        putByteLevel(file.putObject("post_processor"), false);
        putByteLevel(file.putObject("decoder"), true);
        putModel(file.putObject("model").put("type", "BPE"), merges);
        return print(file);
    }

    private static void putAdded(ArrayNode tokens, int firstId) {
        for (int i = 0; i < ADDED.size(); i++) {
            tokens.addObject()
                    .put("id", firstId + i)
                    .put("content", ADDED.get(i).content)
                    .put("single_word", false)
                    .put("lstrip", false)
                    .put("rstrip", false)
                    .put("normalized", false)
                    .put("special", ADDED.get(i).special);
        }
    }

    private static void putByteLevel(ObjectNode step, boolean flags) {
        step.put("type", "ByteLevel")
                .put("add_prefix_space", flags)
                .put("trim_offsets", flags)
                .put("use_regex", flags);
    }

    private static void putModel(ObjectNode model, List<BytePairs.Pair> merges) {
        model.putNull("dropout")
                .putNull("unk_token")
                .putNull("continuing_subword_prefix")
                .putNull("end_of_word_suffix")
                .put("fuse_unk", false)
                .put("byte_fallback", false)
                .put("ignore_merges", false);
        ObjectNode ids = model.putObject("vocab");
        ByteAlphabet.all().forEach(letter -> ids.put(letter, ids.size()));
        merges.forEach(pair -> ids.put(pair.joined(), ids.size()));
        ArrayNode pairs = model.putArray("merges");
        merges.forEach(pair -> pairs.addArray().add(pair.left()).add(pair.right()));
    }

    private static String print(ObjectNode file) {
        DefaultIndenter lines = new DefaultIndenter(" ", "\n");
        DefaultPrettyPrinter printer = new DefaultPrettyPrinter()
                .withSeparators(
                        Separators.createDefaultInstance().withObjectFieldValueSpacing(Separators.Spacing.AFTER));
        printer.indentObjectsWith(lines);
        printer.indentArraysWith(lines);
        try {
            return JSON.writer(printer).writeValueAsString(file) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree in memory could not be written", e);
        }
    }
}
