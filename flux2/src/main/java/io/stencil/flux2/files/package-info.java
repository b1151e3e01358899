/// What a checkpoint is: recognised by its `config.json`, or by the names and shapes of its tensors.
@NullMarked
package io.stencil.flux2.files;

import org.jspecify.annotations.NullMarked;
