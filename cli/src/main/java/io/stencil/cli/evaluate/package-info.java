/// What an evaluation found, as text, JSON and a page.
@NullMarked
package io.stencil.cli.evaluate;

import org.jspecify.annotations.NullMarked;
