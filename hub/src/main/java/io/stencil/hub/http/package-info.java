/// HTTP requests to any hub: authentication, proxies, retries, time limits, error statuses.
@NullMarked
package io.stencil.hub.http;

import org.jspecify.annotations.NullMarked;
