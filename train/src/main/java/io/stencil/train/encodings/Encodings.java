package io.stencil.train.encodings;

import io.stencil.pipeline.Conditioning;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.LoadedTemplate.PreparedInput;
import io.stencil.train.data.DatasetRow;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Caches the results of the stages without gradients, so that they are computed once.
///
/// Rows are compared by identity; a sample without one is not cached.
public interface Encodings {

    /// Returns the encoded images of a row, or null when they are not cached.
    Conditioning.@Nullable Images images(@Nullable DatasetRow row);

    /// Returns the mask of the loss of a row whose encoded images are cached, float32 `[1, S, 1]`, or null where the
    /// whole image counts.
    @Nullable
    Tensor mask(@Nullable DatasetRow row);

    /// Returns the embeddings of a prompt, or null when they are not cached.
    ///
    /// @param row whose prompt it is, or which goes with this prompt
    @Nullable
    Tensor promptEmbeds(@Nullable DatasetRow row, String prompt);

    /// Returns the processed input of the Template for a row, or null when it is not cached.
    default @Nullable PreparedInput<?> prepared(@Nullable DatasetRow row, LoadedTemplate<?, ?> template) {
        return null;
    }

    /// Caches the encoded images of a row with the mask of its loss, and the embeddings of its prompt, unless this
    /// cache is filled otherwise.
    default void keep(@Nullable DatasetRow row, String prompt, Conditioning conditioning, @Nullable Tensor mask) {}

    /// Caches the processed input of the Template for a row, unless this cache is filled otherwise.
    default void keepPrepared(@Nullable DatasetRow row, PreparedInput<?> input) {}
}
