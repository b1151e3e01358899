@NullMarked
package io.stencil.cli;

import org.jspecify.annotations.NullMarked;
