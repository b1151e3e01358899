@NullMarked
package io.stencil.hub.upload;

import org.jspecify.annotations.NullMarked;
