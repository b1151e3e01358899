/// Code that came from a hub runs only when its user said so.
@NullMarked
package io.stencil.hub.trust;

import org.jspecify.annotations.NullMarked;
