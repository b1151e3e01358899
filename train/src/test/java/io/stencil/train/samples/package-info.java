@NullMarked
package io.stencil.train.samples;

import org.jspecify.annotations.NullMarked;
