/// Datasets of the world: folders of pictures with a `metadata.jsonl`, in the form that training reads.
@NullMarked
package io.stencil.world.dataset;

import org.jspecify.annotations.NullMarked;
