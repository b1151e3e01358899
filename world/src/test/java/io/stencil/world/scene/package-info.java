@NullMarked
package io.stencil.world.scene;

import org.jspecify.annotations.NullMarked;
