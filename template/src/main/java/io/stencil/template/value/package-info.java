/// The built-in family of Templates that turn one number into keys and values.
@NullMarked
package io.stencil.template.value;

import org.jspecify.annotations.NullMarked;
