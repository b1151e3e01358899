@NullMarked
package io.stencil.hub.trust;

import org.jspecify.annotations.NullMarked;
