@NullMarked
package io.stencil.template.load;

import org.jspecify.annotations.NullMarked;
