/// LoRA files, also those of other tools.
@NullMarked
package io.stencil.flux2.lora;

import org.jspecify.annotations.NullMarked;
