@NullMarked
package io.stencil.world.dataset;

import org.jspecify.annotations.NullMarked;
