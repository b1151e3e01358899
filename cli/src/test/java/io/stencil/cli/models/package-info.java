@NullMarked
package io.stencil.cli.models;

import org.jspecify.annotations.NullMarked;
