/// The optimizer and its learning rate.
@NullMarked
package io.stencil.train.optim;

import org.jspecify.annotations.NullMarked;
