@NullMarked
package io.stencil.cli.bench;

import org.jspecify.annotations.NullMarked;
