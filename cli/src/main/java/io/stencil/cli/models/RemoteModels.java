package io.stencil.cli.models;

import io.stencil.hub.download.Snapshot;
import io.stencil.hub.provider.HubReference;
import io.stencil.template.load.TrustedCode;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Where models that are not on this machine come from.
public interface RemoteModels {

    /// @throws io.stencil.error.StencilException when it cannot be had
    Snapshot fetch(HubReference reference);

    /// Which code of a folder may run: any where the folder is the user's own, and where it came from a hub, now or
    /// before, what the user trusts.
    ///
    /// @param snapshot that the folder is in, or null where it was named by its path
    /// @throws io.stencil.error.HubException when its code may not run
    TrustedCode trusted(@Nullable Snapshot snapshot, Path folder);

    /// Reads options for the faults that can be seen before anything is fetched: what is of a hub is passed over.
    ///
    /// @param reading of one option, as it is later done with the true models
    /// @throws io.stencil.error.StencilException naming what cannot be used
    static void check(Consumer<RemoteModels> reading) {
        try {
            reading.accept(new NotYet());
        } catch (NotYet.FetchedLater e) {
            // What comes after it is looked at when it is here.
            return;
        }
    }

    /// Fetches nothing.
    final class NotYet implements RemoteModels {

        private static final class FetchedLater extends RuntimeException {
            private static final long serialVersionUID = 1L;

            FetchedLater() {
                super("fetched later", null, false, false);
            }
        }

        @Override
        public Snapshot fetch(HubReference reference) {
            throw new FetchedLater();
        }

        @Override
        public TrustedCode trusted(@Nullable Snapshot snapshot, Path folder) {
            throw new FetchedLater(); // code is judged once, when all is here
        }
    }
}
