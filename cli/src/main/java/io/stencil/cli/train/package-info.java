/// Options of `stencil train`, and what it tells of its work.
@NullMarked
package io.stencil.cli.train;

import org.jspecify.annotations.NullMarked;
