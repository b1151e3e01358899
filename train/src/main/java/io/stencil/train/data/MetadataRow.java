package io.stencil.train.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// One row of a metadata file as it stands there, or the reason why it cannot be parsed.
///
/// @param parsed null where there is a fault
/// @param location file and line where the row begins
record MetadataRow(
        @Nullable ObjectNode parsed,
        Location location,
        @Nullable InvalidFileException fault) {

    /// Parses a row; a fault is kept for [#fields].
    static MetadataRow of(Location location, Supplier<ObjectNode> parsing) {
        try {
            return new MetadataRow(parsing.get(), location, null);
        } catch (InvalidFileException e) {
            return new MetadataRow(null, location, e);
        }
    }

    /// The columns of the row.
    ///
    /// @throws InvalidFileException when the row cannot be parsed
    ObjectNode fields() {
        if (fault != null) {
            throw fault;
        }
        return Objects.requireNonNull(parsed);
    }
}
