@NullMarked
package io.stencil.train.events;

import org.jspecify.annotations.NullMarked;
