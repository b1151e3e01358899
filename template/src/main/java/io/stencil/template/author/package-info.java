/// Calls of a Template's code, and what is wrong in it: named with the author's line, the part and the remedy.
@NullMarked
package io.stencil.template.author;

import org.jspecify.annotations.NullMarked;
