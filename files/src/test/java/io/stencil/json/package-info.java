@NullMarked
package io.stencil.json;

import org.jspecify.annotations.NullMarked;
