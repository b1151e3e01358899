/// Options of the command line and of configuration files, and those of training bound to picocli.
@NullMarked
package io.stencil.cli.options;

import org.jspecify.annotations.NullMarked;
