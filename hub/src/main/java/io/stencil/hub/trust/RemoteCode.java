package io.stencil.hub.trust;

import io.stencil.error.HubException;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.hub.fetch.ContentHash;
import io.stencil.hub.fetch.FileKinds;
import io.stencil.hub.fetch.Snapshot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Asks whether a fetched folder's code may run.
public final class RemoteCode {

    /// What the user said.
    ///
    /// @param trusted code that is new may run
    /// @param sha256 code with this hash may run, also where other code was trusted before; null for none
    public record Consent(boolean trusted, @Nullable String sha256) {

        public static final Consent NONE = new Consent(false, null);
    }

    private RemoteCode() {}

    /// Returns when the folder holds no code, or code that may run; what is trusted now is remembered.
    ///
    /// @param folder of a Template: that of the snapshot, or one in it
    /// @param report told path and hash of code that is trusted from now on
    /// @throws HubException naming path and hash of code that may not run, and what to do
    public static void requireTrusted(
            Snapshot snapshot, Path folder, TrustStore store, Consent consent, Consumer<String> report) {
        for (String name : new TreeSet<>(FileKinds.CODE)) {
            Path file = folder.resolve(name);
            if (Files.exists(file)) {
                String inside = snapshot.folder().relativize(file.normalize()).toString();
                requireTrusted(snapshot, inside, hash(file), store, consent, report);
            }
        }
    }

    private static void requireTrusted(
            Snapshot snapshot, String name, String sha256, TrustStore store, Consent consent, Consumer<String> report) {
        Optional<String> before = store.trusted(snapshot, name);
        if (before.isPresent() && before.get().equals(sha256)) {
            return;
        }
        Path file = snapshot.folder().resolve(name);
        String where = "%s, SHA-256 %s".formatted(file, sha256);
        boolean named = sha256.equals(consent.sha256());
        if (before.isPresent() && !named) {
            throw new HubException(
                    snapshot.repository().toString(),
                    name,
                    "is other code than was trusted at revision %s (%s, before %s) and is not run; read it, then pass --trusted_code_hash %s"
                            .formatted(snapshot.revision(), where, before.get(), sha256));
        }
        if (!named && !consent.trusted()) {
            throw new HubException(
                    snapshot.repository().toString(),
                    name,
                    "is code and is not run (%s); read it, then pass --trust_remote_code".formatted(where));
        }
        report.accept("trusting code of %s at %s: %s".formatted(snapshot.repository(), snapshot.revision(), where));
        store.trust(snapshot, name, sha256);
    }

    private static String hash(Path file) {
        try {
            return ContentHash.sha256(file);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be read: " + e, e);
        }
    }
}
