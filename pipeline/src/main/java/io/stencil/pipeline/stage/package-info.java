/// The units of [io.stencil.pipeline.Flux2Pipeline], in the order in which they run.
@NullMarked
package io.stencil.pipeline.stage;

import org.jspecify.annotations.NullMarked;
