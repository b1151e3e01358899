/// What the tests of all modules share: goldens, comparison of tensors, resident memory.
@NullMarked
package io.stencil.testing;

import org.jspecify.annotations.NullMarked;
