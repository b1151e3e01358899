/// What a Template model is, what it gives, and the pipeline that runs with several of them.
@NullMarked
package io.stencil.template;

import org.jspecify.annotations.NullMarked;
