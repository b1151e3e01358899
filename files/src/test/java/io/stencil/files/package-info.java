@NullMarked
package io.stencil.files;

import org.jspecify.annotations.NullMarked;
