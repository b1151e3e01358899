/// Options of a training run: declarations, defaults and checks.
@NullMarked
package io.stencil.train.options;

import org.jspecify.annotations.NullMarked;
