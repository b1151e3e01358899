/// Rules that hold for the classes of all modules.
@NullMarked
package io.stencil.architecture;

import org.jspecify.annotations.NullMarked;
