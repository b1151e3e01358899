@NullMarked
package io.stencil.hub.testing;

import org.jspecify.annotations.NullMarked;
