/// What a Template model is, and what it gives.
@NullMarked
package io.stencil.template;

import org.jspecify.annotations.NullMarked;
