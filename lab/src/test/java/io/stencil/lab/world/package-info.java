@NullMarked
package io.stencil.lab.world;

import org.jspecify.annotations.NullMarked;
