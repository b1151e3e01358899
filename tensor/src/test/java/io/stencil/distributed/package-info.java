@NullMarked
package io.stencil.distributed;

import org.jspecify.annotations.NullMarked;
