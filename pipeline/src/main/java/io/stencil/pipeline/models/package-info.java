/// The models of a pipeline: which files they lie in, and how they are loaded.
@NullMarked
package io.stencil.pipeline.models;

import org.jspecify.annotations.NullMarked;
