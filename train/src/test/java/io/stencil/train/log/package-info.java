@NullMarked
package io.stencil.train.log;

import org.jspecify.annotations.NullMarked;
