/// Painting scenes: outlines by Java2D, then texture and light for each pixel.
@NullMarked
package io.stencil.world.render;

import org.jspecify.annotations.NullMarked;
