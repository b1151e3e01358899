package io.stencil.cli.models;

import io.stencil.error.HubException;
import io.stencil.hub.Hub;
import io.stencil.hub.HubSettings;
import io.stencil.hub.download.ModelRoots;
import io.stencil.hub.download.Snapshot;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.trust.RemoteCode;
import io.stencil.hub.trust.TrustStore;
import io.stencil.template.load.TrustedCode;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Fetches models for a command, with one line of progress.
public final class HubModels implements RemoteModels, AutoCloseable {

    private final Supplier<HubSettings> settings;
    private final Supplier<ModelRoots> roots;
    private final TrustStore store;
    private final RemoteCode.Consent consent;
    private final PrintWriter err;
    private @Nullable Hub hub;

    /// @param roots where others' models lie
    HubModels(
            Supplier<HubSettings> settings,
            Supplier<ModelRoots> roots,
            TrustStore store,
            RemoteCode.Consent consent,
            PrintWriter err) {
        this.settings = settings;
        this.roots = roots;
        this.store = store;
        this.consent = consent;
        this.err = err;
    }

    /// Returns the hub, which connects at its first request.
    public Hub hub() {
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
        if (origin.isPresent()) {
            return trusted(origin.get(), folder, "");
        }
        Optional<Path> root = Stream.concat(Stream.of(folder), RemoteCode.in(folder).stream())
                .flatMap(path -> roots.get().above(path).stream())
                .findFirst();
        return root.isEmpty() || RemoteCode.in(folder).isEmpty() ? TrustedCode.OWN : trustedByPlace(root.get(), folder);
    }

    /// What lies among others' models without a record of its fetch is taken for theirs.
    private TrustedCode trustedByPlace(Path root, Path folder) {
        String remedy =
                "; it lies in %s, where others' models lie: if it is your own, move it elsewhere, or name another place for models by --model_base_path"
                        .formatted(root);
        HubSettings known = settings.get();
        Snapshot snapshot = roots.get()
                .snapshot(folder, known.hub(), known.site())
                .orElseThrow(() -> new HubException(folder.toString(), null, "holds code and is not run" + remedy));
        return trusted(snapshot, folder, remedy);
    }

    /// @param remedy sentence that follows the remedy of a refusal
    private TrustedCode trusted(Snapshot snapshot, Path folder, String remedy) {
        try {
            return new TrustedCode(RemoteCode.requireTrusted(snapshot, folder, store, consent, TrustDialog.of(err)));
        } catch (HubException e) {
            if (remedy.isEmpty()) {
                throw e;
            }
            throw new HubException(snapshot.repository().toString(), null, e.what() + remedy, e);
        }
    }

    @Override
    public void close() {
        if (hub != null) {
            hub.close();
        }
    }
}
