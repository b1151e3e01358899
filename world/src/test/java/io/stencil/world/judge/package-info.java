@NullMarked
package io.stencil.world.judge;

import org.jspecify.annotations.NullMarked;
