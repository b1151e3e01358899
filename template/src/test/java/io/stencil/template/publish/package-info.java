@NullMarked
package io.stencil.template.publish;

import org.jspecify.annotations.NullMarked;
