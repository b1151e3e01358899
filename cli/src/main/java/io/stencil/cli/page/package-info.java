/// Parts of pages that hold all they show.
@NullMarked
package io.stencil.cli.page;

import org.jspecify.annotations.NullMarked;
