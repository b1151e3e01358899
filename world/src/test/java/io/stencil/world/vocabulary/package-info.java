@NullMarked
package io.stencil.world.vocabulary;

import org.jspecify.annotations.NullMarked;
