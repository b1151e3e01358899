/// Measurements with JMH; `make bench` runs them.
@NullMarked
package io.stencil.bench;

import org.jspecify.annotations.NullMarked;
