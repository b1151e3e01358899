/// From a request to a picture: the pipeline, what is asked of it, and the denoising loop.
@NullMarked
package io.stencil.pipeline;

import org.jspecify.annotations.NullMarked;
