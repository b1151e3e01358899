/// Spring AI's image model over an [io.stencil.service.ImageService].
@NullMarked
package io.stencil.springai;

import org.jspecify.annotations.NullMarked;
