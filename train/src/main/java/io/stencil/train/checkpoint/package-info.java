/// Checkpoints and states in the output folder of a run: what is saved, and from what a run can resume.
@NullMarked
package io.stencil.train.checkpoint;

import org.jspecify.annotations.NullMarked;
