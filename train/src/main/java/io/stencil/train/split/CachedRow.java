package io.stencil.train.split;

import com.fasterxml.jackson.annotation.JsonProperty;

/// What is known of a sample without its tensors.
///
/// @param index of the row in the dataset, from 0
/// @param origin file and line of the row, for messages
/// @param image path of its picture, for people
/// @param prompt whose embeddings are kept
/// @param size of the picture and of the edit images; samples of one batch have one size
record CachedRow(
        @JsonProperty("index") int index,
        @JsonProperty("origin") String origin,
        @JsonProperty("image") String image,
        @JsonProperty("prompt") String prompt,
        @JsonProperty("size") String size) {}
