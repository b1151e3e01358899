@NullMarked
package io.stencil.cli.demo;

import org.jspecify.annotations.NullMarked;
