/// Requests to a hub: who asks, what is asked again after a fault, and how a refusal is told. Knows no hub in
/// particular.
@NullMarked
package io.stencil.hub.http;

import org.jspecify.annotations.NullMarked;
