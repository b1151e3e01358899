@NullMarked
package io.stencil.train.encodings;

import org.jspecify.annotations.NullMarked;
