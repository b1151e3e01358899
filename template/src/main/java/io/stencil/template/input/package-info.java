/// Template inputs from JSON to the records that Template models declare.
@NullMarked
package io.stencil.template.input;

import org.jspecify.annotations.NullMarked;
