@NullMarked
package io.stencil.lab.demo;

import org.jspecify.annotations.NullMarked;
