@NullMarked
package io.stencil.flux2.files;

import org.jspecify.annotations.NullMarked;
