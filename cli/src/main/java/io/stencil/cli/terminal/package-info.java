/// What a command shows at the terminal while it works, and how it is stopped there.
@NullMarked
package io.stencil.cli.terminal;

import org.jspecify.annotations.NullMarked;
