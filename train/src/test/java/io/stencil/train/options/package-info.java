@NullMarked
package io.stencil.train.options;

import org.jspecify.annotations.NullMarked;
