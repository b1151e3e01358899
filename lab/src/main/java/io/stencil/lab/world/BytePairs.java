package io.stencil.lab.world;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Learns which neighbours a tokenizer joins (byte pair encoding; Sennrich et al. 2016, arXiv:1508.07909).
final class BytePairs {

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

    /// Joins the most frequent pair, the first in the order of characters among equals, until every piece is one token.
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
            int most =
                    counts.values().stream().mapToInt(Integer::intValue).max().orElseThrow();
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
