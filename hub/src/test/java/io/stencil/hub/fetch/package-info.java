@NullMarked
package io.stencil.hub.fetch;

import org.jspecify.annotations.NullMarked;
