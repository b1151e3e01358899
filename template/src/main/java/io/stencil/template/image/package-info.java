/// The built-in family of Templates that turn a picture and a prompt into keys and values.
@NullMarked
package io.stencil.template.image;

import org.jspecify.annotations.NullMarked;
