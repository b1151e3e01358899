/// The contract of Templates: model, inputs, cache.
@NullMarked
package io.stencil.template;

import org.jspecify.annotations.NullMarked;
