@NullMarked
package io.stencil.error;

import org.jspecify.annotations.NullMarked;
