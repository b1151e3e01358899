package io.stencil.hub.testing;

import io.stencil.hub.Hub;
import io.stencil.hub.HubSettings;
import io.stencil.hub.fetch.FetchListener;
import io.stencil.hub.fetch.FetchSettings;
import io.stencil.hub.protocol.HubKind;
import io.stencil.hub.protocol.HubReference;
import java.net.URI;
import java.nio.file.Path;

/// A process that fetches, to be killed.
public final class FetchMain {

    private FetchMain() {}

    /// @param args address of the hub, folder for models, reference, and if it is not the usual one, bytes of a range
    public static void main(String[] args) {
        HubSettings usual = TestHubs.settings(HubKind.HUGGING_FACE, URI.create(args[0]), Path.of(args[1]), null);
        HubSettings settings = new HubSettings(
                usual.hub(),
                usual.site(),
                null,
                usual.base(),
                false,
                usual.cache(),
                new FetchSettings(
                        usual.fetch().connections(),
                        args.length < 4 ? usual.fetch().chunkBytes() : Long.parseLong(args[3])),
                usual.http());
        try (Hub hub = Hub.open(settings)) {
            hub.fetch(HubReference.parse("model", args[2]), FetchListener.NONE);
        }
    }
}
