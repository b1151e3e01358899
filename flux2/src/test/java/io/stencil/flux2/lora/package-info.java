@NullMarked
package io.stencil.flux2.lora;

import org.jspecify.annotations.NullMarked;
