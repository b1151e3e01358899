@NullMarked
package io.stencil.train;

import org.jspecify.annotations.NullMarked;
