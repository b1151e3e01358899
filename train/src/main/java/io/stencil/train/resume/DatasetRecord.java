package io.stencil.train.resume;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.stencil.train.data.BadRow;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// What a run has learned from: `dataset.json` of a state.
///
/// @param digests of the content of the rows that the run has used ([io.stencil.train.data.RowDigest]), by their
///     index in the metadata file
/// @param skipped rows that the run leaves out
public record DatasetRecord(
        @JsonProperty("digests") Map<Integer, String> digests,
        @JsonProperty("skipped") List<BadRow> skipped) {

    public DatasetRecord {
        digests = new TreeMap<>(digests);
        skipped = List.copyOf(skipped);
    }
}
