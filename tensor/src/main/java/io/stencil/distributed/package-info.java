/// Several processes that compute together, over libtorch's own c10d: how they meet, add up tensors, and learn that one
/// of them is gone.
@NullMarked
package io.stencil.distributed;

import org.jspecify.annotations.NullMarked;
