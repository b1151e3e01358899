/// The roles of the models in a pipeline, which options and requests name.
@NullMarked
package io.stencil.pipeline.unit;

import org.jspecify.annotations.NullMarked;
