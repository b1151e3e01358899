package io.stencil.error;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Names that a mistyped one may have meant.
public final class SimilarNames {

    private static final int MOST_SHOWN = 3;

    private SimilarNames() {}

    /// `; did you mean 'train'?`, with up to three names, the nearest first; empty when none is near.
    public static String question(String typed, Collection<String> names) {
        List<String> near = of(typed, names);
        return near.isEmpty()
                ? ""
                : near.stream()
                        .map(name -> "'" + name + "'")
                        .collect(Collectors.joining(" or ", "; did you mean ", "?"));
    }

    /// Up to three names within a third of their letters of edits (insert, delete, replace, swap neighbours), else
    /// those that `typed` begins or that begin with it.
    static List<String> of(String typed, Collection<String> names) {
        String wanted = normal(typed);
        List<String> near = names.stream()
                .filter(name ->
                        edits(wanted, normal(name)) <= Math.max(1, Math.max(wanted.length(), name.length()) / 3))
                .sorted(Comparator.comparingInt((String name) -> edits(wanted, normal(name)))
                        .thenComparing(name -> name))
                .limit(MOST_SHOWN)
                .toList();
        if (!near.isEmpty() || wanted.length() < 3) {
            return near;
        }
        return names.stream()
                .filter(name -> normal(name).startsWith(wanted) || wanted.startsWith(normal(name)))
                .sorted()
                .limit(MOST_SHOWN)
                .toList();
    }

    private static String normal(String name) {
        return name.toLowerCase(Locale.ROOT).replace('-', '_');
    }

    /// Distance of Damerau and Levenshtein in its form of optimal string alignment.
    private static int edits(String from, String to) {
        int @Nullable [] before = null;
        int[] previous = new int[to.length() + 1];
        for (int j = 0; j <= to.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= from.length(); i++) {
            int[] current = new int[to.length() + 1];
            current[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int replaced = previous[j - 1] + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                current[j] = Math.min(replaced, 1 + Math.min(previous[j], current[j - 1]));
                boolean swapped = before != null
                        && j > 1
                        && from.charAt(i - 1) == to.charAt(j - 2)
                        && from.charAt(i - 2) == to.charAt(j - 1);
                if (swapped && before != null) {
                    current[j] = Math.min(current[j], before[j - 2] + 1);
                }
            }
            before = previous;
            previous = current;
        }
        return previous[to.length()];
    }
}
