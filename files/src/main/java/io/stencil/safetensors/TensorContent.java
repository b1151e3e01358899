package io.stencil.safetensors;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// Gives the bytes of tensors while they are written, one tensor at a time, so that not all need be in memory.
@FunctionalInterface
public interface TensorContent {

    /// Takes the next bytes of a tensor; they may be freed when this returns.
    @FunctionalInterface
    interface Sink {
        void accept(MemorySegment bytes) throws IOException;
    }

    /// Hands all bytes of `tensor`, row major and little endian, to `sink` in one or more pieces. Called once for each
    /// tensor, in the order of the file.
    void writeTo(TensorSpec tensor, Sink sink) throws IOException;
}
