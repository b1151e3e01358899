@NullMarked
package io.stencil.flux2.convert;

import org.jspecify.annotations.NullMarked;
