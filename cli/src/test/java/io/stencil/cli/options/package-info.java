@NullMarked
package io.stencil.cli.options;

import org.jspecify.annotations.NullMarked;
