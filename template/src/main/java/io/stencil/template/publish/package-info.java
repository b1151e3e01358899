/// The life of a Template folder outside training: begun from a family, packaged for others.
@NullMarked
package io.stencil.template.publish;

import org.jspecify.annotations.NullMarked;
