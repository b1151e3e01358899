@NullMarked
package io.stencil.cli.launch;

import org.jspecify.annotations.NullMarked;
