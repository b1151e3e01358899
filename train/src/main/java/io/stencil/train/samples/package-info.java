/// Generates images while a run trains: which ones, with which noise, and where they are written.
@NullMarked
package io.stencil.train.samples;

import org.jspecify.annotations.NullMarked;
