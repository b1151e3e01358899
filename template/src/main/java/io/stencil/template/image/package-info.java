/// The built-in family of Templates that turn an image and a prompt into keys and values.
@NullMarked
package io.stencil.template.image;

import org.jspecify.annotations.NullMarked;
