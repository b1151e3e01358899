/// Files of FLUX.2: what a checkpoint is, recognised by its `config.json` or by the names and shapes of its tensors,
/// and LoRA files, also those of other tools.
@NullMarked
package io.stencil.flux2.files;

import org.jspecify.annotations.NullMarked;
