package io.stencil.train.step;

import io.stencil.pipeline.unit.PipelineUnit;
import io.stencil.pipeline.unit.PortValues;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.PreparedInput;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Where the results of the stages without gradients are kept, so that they are worked out once.
public interface Encodings {

    /// Sets the ports whose values are known.
    ///
    /// @param key of the sample, compared by identity; null for one that is not kept
    /// @return those of `units` that are left to run
    List<PipelineUnit> restore(
            List<PipelineUnit> units, @Nullable Object key, String prompt, PortValues shared, PortValues side);

    /// Keeps what the units gave.
    void keep(@Nullable Object key, String prompt, PortValues shared, PortValues side);

    /// What the Template's stage without gradients made of a sample, or null when it is not known.
    @Nullable
    PreparedInput<?> prepared(@Nullable Object key, LoadedTemplate<?, ?> template);

    /// Keeps it.
    void keepPrepared(@Nullable Object key, PreparedInput<?> input);
}
