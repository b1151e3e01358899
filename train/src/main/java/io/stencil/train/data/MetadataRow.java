package io.stencil.train.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.Location;

/// One row of a metadata file as it stands there.
///
/// @param location file and line where the row begins
record MetadataRow(ObjectNode fields, Location location) {}
