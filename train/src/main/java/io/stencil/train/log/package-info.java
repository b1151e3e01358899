/// What a training run tells while it works.
@NullMarked
package io.stencil.train.log;

import org.jspecify.annotations.NullMarked;
