package io.stencil.safetensors;

import java.lang.foreign.MemorySegment;
import java.util.Map;

/// Maps named tensors of files into memory, to be read without a copy.
///
/// The owner closes the source when no tensor of it is used any more: closing unmaps the files, and native code that
/// still holds an address into them would crash.
public interface TensorSource extends AutoCloseable {

    /// Returns all tensors by name, in the order of their bytes. Unmodifiable.
    Map<String, TensorEntry> entries();

    /// Returns one tensor's dtype, shape and place.
    ///
    /// @throws io.stencil.error.InvalidFileException when there is no tensor of that name
    TensorEntry entry(String name);

    /// Returns the tensor's bytes, read-only and not copied; usable from any thread until [#close].
    ///
    /// Files of the reference library begin each tensor at a multiple of its element size, but the format does not
    /// demand it: read with unaligned layouts, or check [TensorEntry#begin] (a file is mapped at a page's start).
    ///
    /// @throws io.stencil.error.InvalidFileException when there is no tensor of that name
    /// @throws io.stencil.error.InvalidStateException when the source is closed
    MemorySegment segment(String name);

    /// Evicts a tensor's bytes from this process's memory; they are read from the file again when they are used.
    /// Safe at any time, also while they are in use.
    ///
    /// @throws io.stencil.error.InvalidFileException when there is no tensor of that name
    default void dropPages(String name) {
        MemorySegment bytes = segment(name);
        if (bytes.byteSize() > 0) {
            bytes.unload();
        }
    }

    /// Returns the metadata, in the file's order, values as text; empty when there are none. Unmodifiable.
    Map<String, String> metadata();

    /// Returns the file that holds the tensor, for messages.
    ///
    /// @throws io.stencil.error.InvalidFileException when there is no tensor of that name
    String origin(String name);

    /// Returns whose names and layout the files have, such as `BFL names`, for messages; empty when they are those of
    /// the model.
    default String dialect() {
        return "";
    }

    /// Returns the name in the files of a model's tensor, which need not be there, for messages.
    default String fileName(String name) {
        return name;
    }

    /// Unmaps the files. Closing again does nothing.
    @Override
    void close();
}
