/// Options of `stencil train`, and its progress reports.
@NullMarked
package io.stencil.cli.train;

import org.jspecify.annotations.NullMarked;
