package io.stencil.autograd;

import io.stencil.tensor.Libtorch;
import org.bytedeco.pytorch.AutoGradMode;

/// Switches the recording of gradients on this thread, until closed.
/// ```java
/// try (GradMode _ = GradMode.disabled()) { ... }
/// ```
public final class GradMode implements AutoCloseable {

    static {
        Libtorch.load();
    }

    private final AutoGradMode guard;

    private GradMode(boolean enabled) {
        guard = new AutoGradMode(enabled);
    }

    public static GradMode disabled() {
        return new GradMode(false);
    }

    public static GradMode enabled() {
        return new GradMode(true);
    }

    /// Whether gradients are recorded on this thread.
    public static boolean isEnabled() {
        return org.bytedeco.pytorch.GradMode.is_enabled();
    }

    @Override
    public void close() {
        guard.deallocate();
    }
}
