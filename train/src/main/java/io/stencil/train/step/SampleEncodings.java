package io.stencil.train.step;

import io.stencil.pipeline.Conditioning;
import io.stencil.template.load.LoadedTemplate.PreparedInput;
import org.jspecify.annotations.Nullable;

/// Encodings that a training step needs of a sample, in the dtype of activations.
///
/// @param prepared the Template's processed inputs, or null when none takes part
public record SampleEncodings(
        Conditioning conditioning, @Nullable PreparedInput<?> prepared) {}
