package io.stencil.train.step;

import io.stencil.pipeline.Conditioning;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.LoadedTemplate.PreparedInput;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Keeps the results of the stages without gradients, so that they are computed once.
///
/// Keys of samples are compared by identity; a sample without one is not kept.
public interface Encodings {

    /// Returns the encoded images of a sample, or null when they are not known.
    Conditioning.@Nullable Images images(@Nullable Object key);

    /// Returns the embeddings of a prompt, or null when they are not known.
    ///
    /// @param key of the sample whose prompt it is
    @Nullable
    Tensor promptEmbeds(@Nullable Object key, String prompt);

    /// Keeps a sample's encoded images and its prompt's embeddings.
    void keep(@Nullable Object key, String prompt, Conditioning conditioning);

    /// Returns the result of the Template's stage without gradients for a sample, or null when it is not known.
    @Nullable
    PreparedInput<?> prepared(@Nullable Object key, LoadedTemplate<?, ?> template);

    /// Keeps it.
    void keepPrepared(@Nullable Object key, PreparedInput<?> input);
}
