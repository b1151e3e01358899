package io.stencil.world.dataset;

import io.stencil.error.InvalidRequestException;
import java.util.Arrays;
import java.util.Locale;

/// The datasets that the world has, each with rows of its own form.
public enum DatasetKind {
    /// Pictures and captions.
    PLAIN;

    SampleMaker maker() {
        return switch (this) {
            case PLAIN -> new PlainSamples();
        };
    }

    /// The name in lower case.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// @throws InvalidRequestException for a name that no kind has
    public static DatasetKind parse(String label) {
        for (DatasetKind kind : values()) {
            if (kind.label().equals(label)) {
                return kind;
            }
        }
        throw new InvalidRequestException("kind", "expected one of %s; found '%s'".formatted(labels(), label));
    }

    /// All names.
    public static String labels() {
        return String.join(", ", Arrays.stream(values()).map(DatasetKind::label).toList());
    }
}
