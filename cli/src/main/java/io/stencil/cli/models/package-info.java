/// Which models a command works on: options that name them, files behind the names, and what has to be fetched.
@NullMarked
package io.stencil.cli.models;

import org.jspecify.annotations.NullMarked;
