package io.stencil.cli.models;

import io.stencil.cli.terminal.ProgressLine;
import io.stencil.error.HubException;
import io.stencil.files.ByteText;
import io.stencil.hub.Hub;
import io.stencil.hub.HubSettings;
import io.stencil.hub.ModelSource;
import io.stencil.hub.RemoteCode;
import io.stencil.hub.download.Fetcher;
import io.stencil.hub.download.ModelRoots;
import io.stencil.hub.download.Snapshot;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.provider.Repository;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TrustedCode;
import java.io.Console;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Fetches models for a command, with one line of progress.
public final class HubModels implements ModelSource.Fetch, AutoCloseable {

    private final Supplier<HubSettings> settings;
    private final Supplier<ModelRoots> roots;
    private final RemoteCode.Store store;
    private final RemoteCode.Consent consent;
    private final PrintWriter err;
    private @Nullable Hub hub;

    /// @param roots where others' models lie
    HubModels(
            Supplier<HubSettings> settings,
            Supplier<ModelRoots> roots,
            RemoteCode.Store store,
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

    /// Returns the code of a folder that may run: all code of the user's own folder, and the trusted code of one that
    /// came from a hub, now or before.
    ///
    /// @param snapshot that the folder is in; null for one that is named by its path
    /// @throws HubException when its code may not run
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

    /// Records that the user named the code of a Template's folder.
    ///
    /// @return `template`
    TemplateFolder recordNamed(TemplateFolder template) {
        if (template.trustedCode().equals(TrustedCode.OWN)) {
            store.recordNamed(template.folder());
        }
        return template;
    }

    /// Requires consent to the code of a Template's folder that an image names.
    ///
    /// @return the same folder, with that code alone
    /// @throws io.stencil.error.InvalidFileException when its code may not run
    TemplateFolder requireConsent(TemplateFolder template) {
        if (!template.trustedCode().equals(TrustedCode.OWN)) {
            return template; // from a hub: its user has consented
        }
        Set<String> code = RemoteCode.requireConsent(template.folder(), store, consent, TrustDialog.of(err));
        return new TemplateFolder(template.folder(), new TrustedCode(code));
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

    /// Reports a fetch on the terminal in one line.
    private static final class FetchReport implements Fetcher.Listener, AutoCloseable {

        private final PrintWriter err;
        private final ProgressLine line;
        private final long begin = System.nanoTime();
        private long bytesBefore = -1;

        FetchReport(PrintWriter err) {
            this.err = err;
            this.line = ProgressLine.on(err);
        }

        @Override
        public synchronized void onProgress(Repository repository, int files, int allFiles, long bytes, long allBytes) {
            bytesBefore = bytesBefore < 0 ? bytes : bytesBefore;
            double seconds = Math.max(0.001, (System.nanoTime() - begin) / 1e9);
            line.show("fetching %s: %s of %s files, %s of %s, %s/s"
                    .formatted(
                            repository.id(),
                            files,
                            allFiles,
                            ByteText.of(Math.max(0, bytes)),
                            ByteText.of(allBytes),
                            ByteText.of(Math.max(0, (long) ((bytes - bytesBefore) / seconds)))));
        }

        @Override
        public synchronized void onWaiting(Repository repository, String file) {
            line.end();
            err.println("waiting for another process that fetches %s of %s".formatted(file, repository));
        }

        @Override
        public synchronized void onWarning(String message) {
            line.end();
            err.println("stencil: warning: " + message);
        }

        @Override
        public synchronized void onEnd() {
            line.end();
        }

        @Override
        public synchronized void close() {
            line.abandon();
        }
    }

    /// Reports trusted code, and requests consent of the user at the terminal.
    ///
    /// @param console null without a user
    record TrustDialog(PrintWriter err, @Nullable Console console) implements RemoteCode.Dialog {

        static TrustDialog of(PrintWriter err) {
            return new TrustDialog(err, System.console()).atTerminal();
        }

        /// Drops a console that is a pipe or a file.
        private TrustDialog atTerminal() {
            return console != null && console.isTerminal() ? this : new TrustDialog(err, null);
        }

        @Override
        public void report(String text) {
            err.println("stencil: " + text);
        }

        @Override
        public boolean ask(String question) {
            if (console == null) {
                return false;
            }
            err.print(question + " [y/N] ");
            err.flush();
            return isYes(console.readLine());
        }

        static boolean isYes(@Nullable String answer) {
            return answer != null && answer.strip().toLowerCase(Locale.ROOT).matches("y|yes");
        }
    }
}
