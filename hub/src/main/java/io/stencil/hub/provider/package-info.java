/// Public HTTP interfaces of the supported hubs: references, listings, addresses of files.
@NullMarked
package io.stencil.hub.provider;

import org.jspecify.annotations.NullMarked;
