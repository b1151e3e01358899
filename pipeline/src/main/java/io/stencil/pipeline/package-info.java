/// From a request to an image: the pipeline, its requests, and the denoising loop.
@NullMarked
package io.stencil.pipeline;

import org.jspecify.annotations.NullMarked;
