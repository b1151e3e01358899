package io.stencil.train.split;

import com.fasterxml.jackson.annotation.JsonProperty;

/// What is known of a sample without its tensors.
///
/// @param sample number of the file
/// @param digest of all that the sample was made of ([io.stencil.train.data.RowDigest])
/// @param origin file and line of the row, for messages
/// @param image path of its picture, for people
/// @param prompt whose embeddings are kept
/// @param size of the picture and of the edit images; samples of one batch have one size
record CachedRow(
        @JsonProperty("sample") int sample,
        @JsonProperty("digest") String digest,
        @JsonProperty("origin") String origin,
        @JsonProperty("image") String image,
        @JsonProperty("prompt") String prompt,
        @JsonProperty("size") String size) {}
