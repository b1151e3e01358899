package io.stencil.lab.world;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.json.Json;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// `tokenizer.json` of the small world: each word of its [Vocabulary] is one token, with a space before it or without,
/// and every other text is spelled out byte by byte. Around that it works as the tokenizer of Qwen3 does.
public final class WorldTokenizer {

    /// Name of the file in a model's folder `tokenizer`.
    public static final String FILE_NAME = "tokenizer.json";

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
        ObjectNode file = Json.MAPPER.createObjectNode().put("version", "1.0");
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
            return Json.MAPPER.writer(printer).writeValueAsString(file) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree in memory could not be written", e);
        }
    }

    /// The words that captions and instructions of the world are made of, and those around them in a chat.
    public static final class Vocabulary {

        private static final List<String> WORDS =
                Pattern.compile("\\s+").splitAsStream("""
                a add an and assistant at background big black blue blurry bottom bright brown center change circle cold color
                colour cool corner cyan dark dim dot dots drawing dusk edge eight five four frame from give gray green grey hard
                image in into is it keep large left less light magenta make middle more move nine no not of old on one or orange
                painting photo picture pink plain position purple put red remove right ring rough same scene seven shadow shape
                shapes sharp six size small smooth soft square style system teal ten textured the three tiny to top triangle
                turn two user very vignette vivid warm white with without yellow young
                """).toList();

        /// Words stand behind a space much more often than at the beginning of a text.
        private static final int BEHIND_SPACE = 4;

        /// Separates the parts of a chat.
        private static final String EMPTY_LINE = "\n\n";

        private Vocabulary() {}

        public static List<String> words() {
            return WORDS;
        }

        /// Lists pieces of text to learn from, and how often each occurs.
        static Map<String, Integer> frequencies() {
            Map<String, Integer> pieces = new LinkedHashMap<>();
            for (String word : WORDS) {
                pieces.put(" " + word, BEHIND_SPACE);
                pieces.put(word, 1);
            }
            pieces.put(EMPTY_LINE, 1);
            return pieces;
        }
    }

    /// Learns which neighbours a tokenizer joins (byte pair encoding; Sennrich et al. 2016, arXiv:1508.07909).
    static final class BytePairs {

        /// Two tokens that become one.
        record Pair(String left, String right) {
            String joined() {
                return left + right;
            }
        }

        private static final Comparator<Pair> IN_ORDER =
                Comparator.comparing(Pair::left).thenComparing(Pair::right);

        /// A piece of text, split into the tokens that there are so far.
        private static final class Piece {
            private final List<String> tokens;
            private final int frequency;

            Piece(String text, int frequency) {
                this.tokens = ByteAlphabet.spell(text);
                this.frequency = frequency;
            }

            void count(Map<Pair, Integer> counts) {
                for (int i = 0; i + 1 < tokens.size(); i++) {
                    counts.merge(new Pair(tokens.get(i), tokens.get(i + 1)), frequency, Math::addExact);
                }
            }

            void join(Pair pair) {
                for (int i = 0; i + 1 < tokens.size(); i++) {
                    if (tokens.get(i).equals(pair.left()) && tokens.get(i + 1).equals(pair.right())) {
                        tokens.set(i, pair.joined());
                        tokens.remove(i + 1);
                    }
                }
            }
        }

        private BytePairs() {}

        /// Joins the most frequent pair, the first in the order of characters among equals, until every piece is one
        /// token.
        ///
        /// @param frequencies pieces of text, across whose borders nothing is joined, and how often each occurs
        static List<Pair> learn(Map<String, Integer> frequencies) {
            List<Piece> pieces = new ArrayList<>();
            frequencies.forEach((text, frequency) -> pieces.add(new Piece(text, frequency)));
            List<Pair> learned = new ArrayList<>();
            while (true) {
                Map<Pair, Integer> counts = new HashMap<>();
                pieces.forEach(piece -> piece.count(counts));
                if (counts.isEmpty()) {
                    return learned;
                }
                int most = counts.values().stream()
                        .mapToInt(Integer::intValue)
                        .max()
                        .orElseThrow();
                Pair next = counts.entrySet().stream()
                        .filter(entry -> entry.getValue() == most)
                        .map(Map.Entry::getKey)
                        .min(IN_ORDER)
                        .orElseThrow();
                pieces.forEach(piece -> piece.join(next));
                learned.add(next);
            }
        }
    }

    /// A visible character for each byte, as byte-level tokenizers write their tokens (Radford et al. 2019, GPT-2).
    ///
    /// Printable characters of Latin-1 stand for themselves, the other bytes for the characters from U+0100 on.
    static final class ByteAlphabet {

        private static final List<String> LETTERS = letters();

        private ByteAlphabet() {}

        /// The characters of the bytes 0 to 255.
        static List<String> all() {
            return LETTERS;
        }

        /// The characters of the bytes that `text` has in UTF-8.
        static List<String> spell(String text) {
            List<String> spelled = new ArrayList<>();
            for (byte one : text.getBytes(StandardCharsets.UTF_8)) {
                spelled.add(LETTERS.get(Byte.toUnsignedInt(one)));
            }
            return spelled;
        }

        private static List<String> letters() {
            List<String> letters = new ArrayList<>();
            int next = 0x100;
            for (int value = 0; value <= 0xFF; value++) {
                letters.add(Character.toString(isPrintable(value) ? value : next++));
            }
            return List.copyOf(letters);
        }

        /// Neither a control character nor a space; the soft hyphen (0xAD) is not to be seen either.
        private static boolean isPrintable(int value) {
            return (value > ' ' && value < 0x7F) || (value > 0xA0 && value != 0xAD);
        }
    }
}
