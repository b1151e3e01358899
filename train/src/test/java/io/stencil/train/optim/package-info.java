@NullMarked
package io.stencil.train.optim;

import org.jspecify.annotations.NullMarked;
