/// Reads safetensors files by mapping them, writes them, joins sharded checkpoints, and hashes the keys of tensors.
///
/// A file is eight bytes of header length (little endian), a JSON header of that length, and the bytes of all tensors
/// without gaps. The header maps each tensor's name to its dtype, shape and byte range behind the header;
/// `__metadata__` holds strings. Tensors are row major and little endian.
///
/// Reading checks all of the header before any tensor is handed out, as strictly as the format's reference library:
/// <https://github.com/huggingface/safetensors>.
@NullMarked
package io.stencil.safetensors;

import org.jspecify.annotations.NullMarked;
