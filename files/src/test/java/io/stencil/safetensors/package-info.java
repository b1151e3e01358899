@NullMarked
package io.stencil.safetensors;

import org.jspecify.annotations.NullMarked;
