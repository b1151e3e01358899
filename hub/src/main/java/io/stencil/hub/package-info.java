/// Model hubs: [Hub][io.stencil.hub.Hub] fetches from them and publishes to them, as
/// [HubSettings][io.stencil.hub.HubSettings] say.
@NullMarked
package io.stencil.hub;

import org.jspecify.annotations.NullMarked;
