package io.stencil.service;

import io.stencil.pipeline.Flux2Pipeline.LoraMatch;

/// A LoRA that requests may name.
///
/// @param name for [ImageRequest.LoraUse]
/// @param match which of the file's layers the base model has
public record LoraInfo(String name, LoraMatch match) {}
