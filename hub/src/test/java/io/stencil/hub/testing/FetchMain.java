package io.stencil.hub.testing;

import io.stencil.hub.Hub;
import io.stencil.hub.HubSettings;
import io.stencil.hub.download.Fetcher;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.HubReference;
import java.net.URI;
import java.nio.file.Path;

/// A process that fetches, to be killed.
public final class FetchMain {

    private FetchMain() {}

    /// @param args address of the hub, folder for models, reference, and if it is not the usual one, bytes of a range
    public static void main(String[] args) {
        HubSettings usual = TestHubs.settings(HubKind.HUGGING_FACE, URI.create(args[0]), Path.of(args[1]), null);
        long chunkBytes = args.length < 4 ? TestHubs.CHUNK : Long.parseLong(args[3]);
        HubSettings settings = TestHubs.with(usual, chunkBytes, usual.http());
        try (Hub hub = Hub.open(settings)) {
            hub.fetch(HubReference.parse("model", args[2]), Fetcher.Listener.NONE);
        }
    }
}
