/// The built-in family of Templates that make low-rank updates of the transformer's layers.
@NullMarked
package io.stencil.template.lora;

import org.jspecify.annotations.NullMarked;
