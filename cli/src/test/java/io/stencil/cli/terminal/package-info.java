@NullMarked
package io.stencil.cli.terminal;

import org.jspecify.annotations.NullMarked;
