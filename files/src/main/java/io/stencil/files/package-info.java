/// Writes files so that a reader sees the old content or the new, never a part.
@NullMarked
package io.stencil.files;

import org.jspecify.annotations.NullMarked;
