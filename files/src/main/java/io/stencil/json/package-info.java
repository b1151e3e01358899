/// Reading JSON files with errors that name file and field.
@NullMarked
package io.stencil.json;

import org.jspecify.annotations.NullMarked;
