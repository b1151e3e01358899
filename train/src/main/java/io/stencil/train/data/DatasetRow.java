package io.stencil.train.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.Location;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Holds one row of a dataset, whose files exist and are not decoded yet.
///
/// @param editImages reference images of the transformer; empty without --extra_inputs edit_image
/// @param templateInputs the Template's inputs, or null without --extra_inputs template_inputs
/// @param weight factor of the row's loss, at least 0
/// @param location line of the metadata file, for messages
public record DatasetRow(
        Path image,
        String prompt,
        List<Path> editImages,
        @Nullable ObjectNode templateInputs,
        double weight,
        Location location) {

    public DatasetRow {
        editImages = List.copyOf(editImages);
    }
}
