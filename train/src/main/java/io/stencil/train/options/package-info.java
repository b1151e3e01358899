/// What can be asked of a training run, with its defaults and what is refused.
@NullMarked
package io.stencil.train.options;

import org.jspecify.annotations.NullMarked;
