package io.stencil.pipeline.unit;

import java.util.Optional;

/// What a unit sees of the values: the ports that it declared.
public final class PortAccess {

    private final PipelineUnit unit;
    private final PortValues values;

    PortAccess(PipelineUnit unit, PortValues values) {
        this.unit = unit;
        this.values = values;
    }

    /// @throws IllegalStateException when the port has no value, or was not declared as an input
    public <T> T get(Port<T> port) {
        requireDeclared(port, unit.declaration().inputs().contains(port), "reads");
        return values.get(port);
    }

    /// @throws IllegalStateException when the port was not declared as an input
    public <T> Optional<T> find(Port<T> port) {
        requireDeclared(port, unit.declaration().inputs().contains(port), "reads");
        return values.find(port);
    }

    /// @throws IllegalStateException when the port was not declared as an output
    public <T> void set(Port<T> port, T value) {
        requireDeclared(port, unit.declaration().outputs().contains(port), "writes");
        values.set(port, value);
    }

    private void requireDeclared(Port<?> port, boolean declared, String access) {
        if (!declared) {
            throw new IllegalStateException("unit '%s' %s '%s' without declaring it"
                    .formatted(unit.declaration().name(), access, port.name()));
        }
    }
}
