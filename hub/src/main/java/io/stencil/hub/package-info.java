/// Model hubs: [Hub][io.stencil.hub.Hub] fetches models and publishes Templates, with
/// [HubSettings][io.stencil.hub.HubSettings].
@NullMarked
package io.stencil.hub;

import org.jspecify.annotations.NullMarked;
