/// Training of Template models: the trainer, its loop, and the checkpoints that it writes.
@NullMarked
package io.stencil.train;

import org.jspecify.annotations.NullMarked;
