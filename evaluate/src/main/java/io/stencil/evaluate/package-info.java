/// Measuring what Templates do to pictures.
@NullMarked
package io.stencil.evaluate;

import org.jspecify.annotations.NullMarked;
