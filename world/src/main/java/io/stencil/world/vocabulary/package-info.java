/// The words of the world, and the tokenizer that is made of them.
@NullMarked
package io.stencil.world.vocabulary;

import org.jspecify.annotations.NullMarked;
