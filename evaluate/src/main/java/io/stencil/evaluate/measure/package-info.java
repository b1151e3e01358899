/// One measurement a family of Templates.
@NullMarked
package io.stencil.evaluate.measure;

import org.jspecify.annotations.NullMarked;
