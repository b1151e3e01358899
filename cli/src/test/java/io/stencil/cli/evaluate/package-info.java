@NullMarked
package io.stencil.cli.evaluate;

import org.jspecify.annotations.NullMarked;
