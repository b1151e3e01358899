@NullMarked
package io.stencil.hub.http;

import org.jspecify.annotations.NullMarked;
