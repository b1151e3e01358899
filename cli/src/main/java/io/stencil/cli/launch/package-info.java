/// Processes of one training on one machine: their start, their output and their end.
@NullMarked
package io.stencil.cli.launch;

import org.jspecify.annotations.NullMarked;
