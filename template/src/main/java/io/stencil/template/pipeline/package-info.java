/// The pipeline that runs with Templates.
@NullMarked
package io.stencil.template.pipeline;

import org.jspecify.annotations.NullMarked;
