/// The engine: libtorch's tensors with a visible owner, typed dtypes and devices, and the few operations whose native
/// signature is awkward.
///
/// Shapes in this project are written with one legend: B batch, S tokens (St text, Si image), H heads, Dh head dim,
/// D = H * Dh, L cached tokens, C channels.
///
/// Nothing above this module touches pointers: other modules see [org.bytedeco.pytorch.Tensor] and
/// [org.bytedeco.pytorch.Scalar], and get all else from here and from `io.stencil.nn`.
@NullMarked
package io.stencil.tensor;

import org.jspecify.annotations.NullMarked;
