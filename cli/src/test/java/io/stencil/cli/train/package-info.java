@NullMarked
package io.stencil.cli.train;

import org.jspecify.annotations.NullMarked;
