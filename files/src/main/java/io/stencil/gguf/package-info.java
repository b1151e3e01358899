/// Reads GGUF files, the format of llama.cpp, by mapping them, writes them, and widens and makes their blocks of
/// quantized values.
///
/// A file is the magic `GGUF`, a version (2 or 3), the counts of tensors and metadata, the metadata, a record for each
/// tensor (name, dimensions with the innermost first, type, offset), and the tensors' bytes, each at a multiple of
/// `general.alignment`; all little endian. Source: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.
@NullMarked
package io.stencil.gguf;

import org.jspecify.annotations.NullMarked;
