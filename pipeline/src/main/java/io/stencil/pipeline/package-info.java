/// From a request to an image: the pipeline, what is asked of it, and the denoising loop.
@NullMarked
package io.stencil.pipeline;

import org.jspecify.annotations.NullMarked;
