@NullMarked
package io.stencil.world.render;

import org.jspecify.annotations.NullMarked;
