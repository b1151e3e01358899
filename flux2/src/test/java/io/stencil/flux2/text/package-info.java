@NullMarked
package io.stencil.flux2.text;

import org.jspecify.annotations.NullMarked;
