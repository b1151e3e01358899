/// Weights to begin a base model's training with.
@NullMarked
package io.stencil.train.init;

import org.jspecify.annotations.NullMarked;
