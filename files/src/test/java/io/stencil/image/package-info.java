@NullMarked
package io.stencil.image;

import org.jspecify.annotations.NullMarked;
