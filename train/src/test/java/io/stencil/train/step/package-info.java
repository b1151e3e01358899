@NullMarked
package io.stencil.train.step;

import org.jspecify.annotations.NullMarked;
