/// The full state of a training run on the disk, and the rules by which a run goes on from it.
@NullMarked
package io.stencil.train.resume;

import org.jspecify.annotations.NullMarked;
