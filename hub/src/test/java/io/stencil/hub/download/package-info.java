@NullMarked
package io.stencil.hub.download;

import org.jspecify.annotations.NullMarked;
