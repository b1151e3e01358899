/// The `stencil` command line: one class a command, which parses, calls and prints, and does no arithmetic.
@NullMarked
package io.stencil.cli;

import org.jspecify.annotations.NullMarked;
