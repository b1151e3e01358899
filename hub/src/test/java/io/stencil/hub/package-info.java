@NullMarked
package io.stencil.hub;

import org.jspecify.annotations.NullMarked;
