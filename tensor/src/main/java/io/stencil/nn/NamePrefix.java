package io.stencil.nn;

import java.util.Collection;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/// Finds the prefix by which the names of a file's tensors differ from those of a model.
public final class NamePrefix {

    private NamePrefix() {}

    /// Describes prefix and remedy as an addition to a message; empty where a prefix alone does not explain the
    /// difference.
    ///
    /// @param missing names of the model that the file lacks
    /// @param unexpected names of the file that the model lacks
    public static String hint(Collection<String> missing, Collection<String> unexpected) {
        Optional<String> extra = prefix(missing, unexpected, true);
        if (extra.isPresent()) {
            return "; names differ by a prefix only: remove '%s' from those of the file".formatted(extra.get());
        }
        return prefix(missing, unexpected, false)
                .map("; names differ by a prefix only: add '%s' to those of the file"::formatted)
                .orElse("");
    }

    /// @param isInFile whether the names of the file have the prefix; false where those of the model have it
    private static Optional<String> prefix(
            Collection<String> missing, Collection<String> unexpected, boolean isInFile) {
        if (missing.isEmpty() || unexpected.isEmpty()) {
            return Optional.empty();
        }
        Set<String> expected = new HashSet<>(missing);
        String first = unexpected.iterator().next();
        return missing.stream()
                .flatMap(name -> (isInFile ? beginning(first, name) : beginning(name, first)).stream())
                .filter(prefix -> unexpected.stream()
                        .allMatch(name -> isInFile
                                ? name.startsWith(prefix) && expected.contains(name.substring(prefix.length()))
                                : expected.contains(prefix + name)))
                .findFirst();
    }

    private static Optional<String> beginning(String name, String end) {
        return name.endsWith("." + end)
                ? Optional.of(name.substring(0, name.length() - end.length()))
                : Optional.empty();
    }
}
