/// Measures: what a picture shows, told from its pixels alone, and how pictures and numbers compare.
@NullMarked
package io.stencil.world.judge;

import org.jspecify.annotations.NullMarked;
