/// The stages before denoising, each with declared inputs, outputs and the models it uses.
@NullMarked
package io.stencil.pipeline.unit;

import org.jspecify.annotations.NullMarked;
