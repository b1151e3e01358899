package io.stencil.error;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Locates a fault: a file, a line of it (from 1), a field or tensor in it; each may be unknown.
public record Location(
        @Nullable String file,
        @Nullable Integer line,
        @Nullable String field) {

    public static Location of(Path file) {
        return new Location(file.toString(), null, null);
    }

    public static Location of(Path file, int line) {
        return new Location(file.toString(), line, null);
    }

    /// Returns a place with no file: an option of the command line, a parameter of a request.
    public static Location ofField(String field) {
        return new Location(null, null, field);
    }

    public Location field(String name) {
        return new Location(file, line, name);
    }

    /// `file:line: 'field'`, without the parts that are unknown, invisible characters [escaped][VisibleText].
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        if (file != null) {
            text.append(file);
        }
        if (line != null) {
            text.append(':').append(line);
        }
        if (field != null) {
            text.append(text.isEmpty() ? "" : ": ").append('\'').append(field).append('\'');
        }
        return VisibleText.of(text.toString());
    }
}
