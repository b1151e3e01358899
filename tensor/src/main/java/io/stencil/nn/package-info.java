/// Building blocks of neural networks: modules with named parameters, layers, attention, LoRA.
@NullMarked
package io.stencil.nn;

import org.jspecify.annotations.NullMarked;
