package io.stencil.cli;

import io.stencil.hub.fetch.Snapshot;
import io.stencil.hub.protocol.HubReference;
import java.nio.file.Path;

/// Where models that are not on this machine come from.
interface RemoteModels {

    /// @throws io.stencil.error.StencilException when it cannot be had
    Snapshot fetch(HubReference reference);

    /// Returns when the folder's code may run.
    ///
    /// @param folder of a Template, in that of the snapshot
    /// @throws io.stencil.error.HubException when it may not
    void requireTrusted(Snapshot snapshot, Path folder);
}
