@NullMarked
package io.stencil.train.vae;

import org.jspecify.annotations.NullMarked;
