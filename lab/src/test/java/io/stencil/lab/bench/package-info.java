@NullMarked
package io.stencil.lab.bench;

import org.jspecify.annotations.NullMarked;
