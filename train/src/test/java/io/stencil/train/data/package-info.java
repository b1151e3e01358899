@NullMarked
package io.stencil.train.data;

import org.jspecify.annotations.NullMarked;
