/// Reports what is wrong, where, and the remedy: the one family of exceptions that Stencil throws for bad input.
@NullMarked
package io.stencil.error;

import org.jspecify.annotations.NullMarked;
