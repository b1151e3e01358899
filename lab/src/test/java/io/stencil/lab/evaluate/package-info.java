@NullMarked
package io.stencil.lab.evaluate;

import org.jspecify.annotations.NullMarked;
