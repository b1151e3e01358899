package io.stencil.train.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.Location;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One example of a dataset: what it names exists, its pictures are not decoded yet.
///
/// @param editImages pictures that the transformer looks at; empty when they are not asked for
/// @param templateInputs the Template's inputs, or null when they are not asked for
/// @param location line of the metadata file, for messages
public record DatasetRow(
        Path image,
        String prompt,
        List<Path> editImages,
        @Nullable ObjectNode templateInputs,
        Location location) {

    public DatasetRow {
        editImages = List.copyOf(editImages);
    }
}
