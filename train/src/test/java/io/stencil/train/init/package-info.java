@NullMarked
package io.stencil.train.init;

import org.jspecify.annotations.NullMarked;
