/// Gradients: when they are recorded, the backward pass, and segments that recompute instead of remembering.
@NullMarked
package io.stencil.autograd;

import org.jspecify.annotations.NullMarked;
