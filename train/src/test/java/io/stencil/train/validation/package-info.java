@NullMarked
package io.stencil.train.validation;

import org.jspecify.annotations.NullMarked;
