package io.stencil.service;

import io.stencil.pipeline.Flux2Pipeline.LoraMatch;

/// A LoRA that requests may name.
///
/// @param name for [ImageRequest.LoraUse]
/// @param hash [fingerprint][io.stencil.files.Fingerprint] of its file or folder, which follows a file that is replaced
///     while the service runs
/// @param match which of the file's layers the base model had when the service was opened
public record LoraInfo(String name, String hash, LoraMatch match) {}
