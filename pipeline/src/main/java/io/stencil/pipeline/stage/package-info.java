/// The units of [io.stencil.pipeline.Flux2Pipeline], and the values that they exchange.
@NullMarked
package io.stencil.pipeline.stage;

import org.jspecify.annotations.NullMarked;
