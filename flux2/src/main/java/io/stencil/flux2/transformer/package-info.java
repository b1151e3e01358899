/// The FLUX.2 diffusion transformer: double-stream and single-stream blocks over text and image tokens.
///
/// Shapes: B batch, St text tokens, Si image tokens, Sr tokens of reference images, L cached tokens, H heads,
/// Dh head dim, D = H * Dh.
@NullMarked
package io.stencil.flux2.transformer;

import org.jspecify.annotations.NullMarked;
