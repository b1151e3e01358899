package io.stencil.template.load;

import io.stencil.error.Arguments;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/// Hashes of Template code that may run.
///
/// A folder of one's own needs none. A folder that was fetched from a hub holds others' code, and that runs only when
/// its hash is named here; whoever names it has read the code.
///
/// @param sha256 of the code that may run, in hexadecimal digits; where there is any, no other code runs. Empty for
///     code of one's own
public record TrustedCode(Set<String> sha256) {

    /// For folders of one's own.
    public static final TrustedCode OWN = new TrustedCode(Set.of());

    public TrustedCode {
        sha256 = Arguments.require("sha256", sha256).stream()
                .map(one -> one.toLowerCase(Locale.ROOT))
                .collect(Collectors.toUnmodifiableSet());
    }

    /// Code with this hash.
    public static TrustedCode of(String sha256) {
        return new TrustedCode(Set.of(Arguments.require("sha256", sha256)));
    }
}
