package io.stencil.train.data;

/// A row of a dataset that cannot be used.
///
/// @param index in the metadata file, from 0
/// @param reason in one line, which begins with file and line of the row
public record BadRow(int index, String reason) {}
