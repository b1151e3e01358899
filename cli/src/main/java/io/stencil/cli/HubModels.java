package io.stencil.cli;

import io.stencil.hub.Hub;
import io.stencil.hub.HubSettings;
import io.stencil.hub.fetch.Snapshot;
import io.stencil.hub.protocol.HubReference;
import io.stencil.hub.trust.RemoteCode;
import io.stencil.hub.trust.TrustStore;
import io.stencil.template.load.TrustedCode;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Fetches models for a command, with one line of progress.
final class HubModels implements RemoteModels, AutoCloseable {

    private final Supplier<HubSettings> settings;
    private final TrustStore store;
    private final RemoteCode.Consent consent;
    private final PrintWriter err;
    private @Nullable Hub hub;

    HubModels(Supplier<HubSettings> settings, TrustStore store, RemoteCode.Consent consent, PrintWriter err) {
        this.settings = settings;
        this.store = store;
        this.consent = consent;
        this.err = err;
    }

    /// The hub, connected to when it is first asked for something.
    Hub hub() {
        if (hub == null) {
            hub = Hub.open(settings.get());
        }
        return hub;
    }

    @Override
    public Snapshot fetch(HubReference reference) {
        try (FetchReport report = new FetchReport(err)) {
            return hub().fetch(reference, report);
        }
    }

    @Override
    public TrustedCode trusted(@Nullable Snapshot snapshot, Path folder) {
        Optional<Snapshot> origin = snapshot == null ? Snapshot.around(folder) : Optional.of(snapshot);
        return new TrustedCode(
                origin.map(from -> RemoteCode.requireTrusted(from, folder, store, consent, TrustDialog.of(err)))
                        .orElse(Set.of()));
    }

    @Override
    public void close() {
        if (hub != null) {
            hub.close();
        }
    }
}
