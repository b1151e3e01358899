/// Measurements of Templates: images painted and compared, metrics and their targets.
@NullMarked
package io.stencil.lab.evaluate;

import org.jspecify.annotations.NullMarked;
