/// What each hub's public HTTP interface says: repositories, listings, addresses of files.
@NullMarked
package io.stencil.hub.protocol;

import org.jspecify.annotations.NullMarked;
