/// Words of the command line, and options from a configuration file.
@NullMarked
package io.stencil.cli.arguments;

import org.jspecify.annotations.NullMarked;
