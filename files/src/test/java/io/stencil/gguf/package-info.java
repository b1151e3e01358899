@NullMarked
package io.stencil.gguf;

import org.jspecify.annotations.NullMarked;
