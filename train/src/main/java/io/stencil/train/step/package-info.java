/// One training step: from a sample to gradients.
@NullMarked
package io.stencil.train.step;

import org.jspecify.annotations.NullMarked;
