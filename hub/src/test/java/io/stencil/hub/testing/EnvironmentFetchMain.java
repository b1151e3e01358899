package io.stencil.hub.testing;

import io.stencil.error.StencilException;
import io.stencil.hub.Hub;
import io.stencil.hub.download.Fetcher;
import io.stencil.hub.http.Proxies;
import io.stencil.hub.provider.HubReference;

/// A process that fetches from the hub of its environment.
public final class EnvironmentFetchMain {

    private EnvironmentFetchMain() {}

    /// @param args reference, and `allow` where passwords of proxies may be sent
    public static void main(String[] args) {
        if (args.length > 1) {
            Proxies.allowPasswords();
        }
        try (Hub hub = Hub.fromEnvironment()) {
            hub.fetch(HubReference.parse("model", args[0]), Fetcher.Listener.NONE);
        } catch (StencilException e) {
            System.out.println(e.getMessage());
            System.exit(1);
        }
    }
}
