/// Finding out what a file or folder is, from names, shapes and small files alone.
@NullMarked
package io.stencil.cli.inspect;

import org.jspecify.annotations.NullMarked;
