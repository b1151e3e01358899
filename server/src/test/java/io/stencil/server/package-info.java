@NullMarked
package io.stencil.server;

import org.jspecify.annotations.NullMarked;
