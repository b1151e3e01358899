package io.stencil.pipeline.unit;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Values by port; those of one side see the shared ones below them.
public final class PortValues {

    private final Map<Port<?>, Object> values = new LinkedHashMap<>();
    private final @Nullable PortValues shared;

    private PortValues(@Nullable PortValues shared) {
        this.shared = shared;
    }

    /// Values that belong to both sides.
    public static PortValues shared() {
        return new PortValues(null);
    }

    /// Values of one side, over these shared ones.
    public PortValues side() {
        return new PortValues(this);
    }

    /// Sets a value; null leaves the port without one.
    public <T> PortValues set(Port<T> port, @Nullable T value) {
        if (value != null) {
            values.put(port, port.type().cast(value));
        }
        return this;
    }

    public <T> Optional<T> find(Port<T> port) {
        Object own = values.get(port);
        if (own != null) {
            return Optional.of(port.type().cast(own));
        }
        return shared == null ? Optional.empty() : shared.find(port);
    }

    /// @throws IllegalStateException when the port has no value
    public <T> T get(Port<T> port) {
        return find(port).orElseThrow(() -> new IllegalStateException("no unit gave '" + port.name() + "'"));
    }
}
