/// From a listing to files on the disk: chosen, fetched in ranges, checked, put in place.
@NullMarked
package io.stencil.hub.fetch;

import org.jspecify.annotations.NullMarked;
