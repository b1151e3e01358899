package io.stencil.error;

import java.util.Collection;
import java.util.stream.Collectors;

/// Joins names for an error message: the first ten, then how many more there are.
public final class NameList {

    private static final int SHOWN = 10;

    private NameList() {}

    /// `a, b, c` or, for a long list, `a, b, ... and 17 more`; `none` when empty. Invisible characters are
    /// [escaped][VisibleText].
    public static String of(Collection<String> names) {
        if (names.isEmpty()) {
            return "none";
        }
        String shown = names.stream().limit(SHOWN).map(VisibleText::of).collect(Collectors.joining(", "));
        return names.size() <= SHOWN ? shown : shown + ", ... and " + (names.size() - SHOWN) + " more";
    }
}
