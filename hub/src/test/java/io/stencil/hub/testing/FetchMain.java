package io.stencil.hub.testing;

import io.stencil.hub.Hub;
import io.stencil.hub.fetch.FetchListener;
import io.stencil.hub.protocol.HubKind;
import io.stencil.hub.protocol.HubReference;
import java.net.URI;
import java.nio.file.Path;

/// A process that fetches, to be killed.
public final class FetchMain {

    private FetchMain() {}

    /// @param args address of the hub, folder for models, reference
    public static void main(String[] args) {
        try (Hub hub = Hub.open(TestHubs.settings(HubKind.HUGGING_FACE, URI.create(args[0]), Path.of(args[1]), null))) {
            hub.fetch(HubReference.parse("model", args[2]), FetchListener.NONE);
        }
    }
}
