/// Trust in code from a hub, which runs only with its user's consent.
@NullMarked
package io.stencil.hub.trust;

import org.jspecify.annotations.NullMarked;
