/// Converts files of FLUX.2: other names and layouts, other dtypes, quantized weights.
///
/// Tensors are read from mapped files and written one after the other, in parts, so that memory does not grow with the
/// size of a model.
@NullMarked
package io.stencil.flux2.convert;

import org.jspecify.annotations.NullMarked;
