package io.stencil.hub;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.HubException;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.files.Sha256;
import io.stencil.hub.download.FileNames;
import io.stencil.hub.download.Snapshot;
import io.stencil.json.Json;
import io.stencil.json.JsonFile;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Decides whether the code of a fetched folder may run: only with its user's consent.
public final class RemoteCode {

    /// Consent of the user.
    ///
    /// @param trusted to new code
    /// @param sha256 of code that may run also where other code was trusted before; null for none
    public record Consent(boolean trusted, @Nullable String sha256) {

        public static final Consent NONE = new Consent(false, null);

        /// @throws InvalidRequestException when `sha256` is no SHA-256
        public Consent {
            if (sha256 != null) {
                sha256 = sha256.strip().toLowerCase(Locale.ROOT);
                if (!sha256.matches("[0-9a-f]{64}")) {
                    throw new InvalidRequestException(
                            "trusted_code_hash",
                            "must be a SHA-256, 64 hexadecimal digits, found '%s'".formatted(sha256));
                }
            }
        }
    }

    /// Dialog with the user.
    public interface Dialog {

        /// Reports path and hash of newly trusted code.
        void report(String text);

        /// Requests consent to changed code.
        ///
        /// @return false also without a user
        boolean ask(String question);
    }

    private RemoteCode() {}

    /// Lists files with code in a folder.
    public static List<Path> in(Path folder) {
        return FileNames.CODE.stream()
                .sorted()
                .map(folder::resolve)
                .filter(Files::exists)
                .toList();
    }

    /// Requires that the code of a folder may run, and records newly trusted code. The code may be exchanged before
    /// it is compiled: the compiler must compare it with the hashes.
    ///
    /// @param folder of a Template: that of the snapshot, or one in it
    /// @return SHA-256 of the code that may run, in hexadecimal digits
    /// @throws HubException naming path and hash of code that may not run, and what to do
    public static Set<String> requireTrusted(
            Snapshot snapshot, Path folder, Store store, Consent consent, Dialog dialog) {
        Set<String> trusted = new TreeSet<>();
        for (Path file : in(folder)) {
            String sha256 = Sha256.ofInput(file);
            String name = inside(snapshot, folder, String.valueOf(file.getFileName()));
            requireTrusted(new Found(snapshot, name, file, sha256), store, consent, dialog);
            trusted.add(sha256);
        }
        return trusted;
    }

    /// Requires that code may run which is named by a file of unknown origin, such as the parameters in an image: code
    /// that its user named before, or consents to now.
    ///
    /// @param folder of a Template that did not come from a hub
    /// @return SHA-256 of the code that may run, in hexadecimal digits; none where the folder has no code
    /// @throws InvalidFileException naming path and hash of code that may not run, and what to do
    public static Set<String> requireConsent(Path folder, Store store, Consent consent, Dialog dialog) {
        Set<String> trusted = new TreeSet<>();
        for (Path file : in(folder)) {
            String sha256 = Sha256.ofInput(file);
            if (!store.isNamed(sha256) && !consent.trusted() && !sha256.equals(consent.sha256())) {
                String what =
                        "is code that the image names and that you never named yourself (SHA-256 %s)".formatted(sha256);
                if (!dialog.ask("'%s' %s; run it?".formatted(file, what))) {
                    throw new InvalidFileException(
                            file,
                            what
                                    + ", and is not run; read it, then name its folder by --template_model_id_or_path, or pass --trust_remote_code");
                }
            }
            trusted.add(sha256);
        }
        return trusted;
    }

    /// @param name in the repository
    private record Found(Snapshot snapshot, String name, Path file, String sha256) {

        String where() {
            return "%s, SHA-256 %s".formatted(file, sha256);
        }

        HubException refused(String why) {
            return new HubException(snapshot.repository().toString(), name, why);
        }
    }

    private static String inside(Snapshot snapshot, Path folder, String name) {
        Path root = snapshot.folder().toAbsolutePath().normalize();
        Path place = folder.toAbsolutePath().normalize();
        Path inside = place.startsWith(root) ? root.relativize(place) : Path.of("");
        return inside.resolve(name).toString().replace(File.separatorChar, '/');
    }

    private static void requireTrusted(Found code, Store store, Consent consent, Dialog dialog) {
        Snapshot snapshot = code.snapshot();
        Optional<String> before = store.trusted(snapshot, code.name());
        if (before.isPresent() && before.get().equals(code.sha256())) {
            return;
        }
        boolean named = code.sha256().equals(consent.sha256());
        if (before.isPresent() && !named) {
            String what = "is other code than was trusted at revision %s (%s, before %s)"
                    .formatted(snapshot.revision(), code.where(), before.get());
            if (!dialog.ask("%s: '%s' %s; run it?".formatted(snapshot.repository(), code.name(), what))) {
                throw code.refused(
                        "%s and is not run; read it, then pass --trusted_code_hash %s".formatted(what, code.sha256()));
            }
        } else if (!named && !consent.trusted()) {
            throw code.refused(
                    "is code and is not run (%s); read it, then pass --trust_remote_code".formatted(code.where()));
        }
        dialog.report(
                "trusting code of %s at %s: %s".formatted(snapshot.repository(), snapshot.revision(), code.where()));
        store.trust(snapshot, code.name(), code.sha256());
    }

    /// Stores trusted code: one record for each file of a repository's revision, with its SHA-256.
    public record Store(Path folder) {

        /// Finds the SHA-256 of the trusted code.
        ///
        /// @param file inside the repository
        /// @throws InvalidFileException when the record is damaged
        Optional<String> trusted(Snapshot snapshot, String file) {
            Path entry = entry(snapshot, file);
            if (!Files.exists(entry)) {
                return Optional.empty();
            }
            String hash = JsonFile.read(entry).path("sha256").asText();
            if (!hash.matches("[0-9a-f]{64}")) {
                throw new InvalidFileException(entry, "holds no SHA-256; remove it to decide again");
            }
            return Optional.of(hash);
        }

        void trust(Snapshot snapshot, String file, String sha256) {
            ObjectNode json = Json.MAPPER.createObjectNode();
            json.put("repository", snapshot.repository().toString());
            json.put("revision", snapshot.revision());
            json.put("file", file);
            json.put("sha256", sha256);
            json.put("trusted_at", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
            Path entry = entry(snapshot, file);
            try {
                AtomicFile.writeText(entry, json + "\n");
            } catch (IOException e) {
                throw new InvalidFileException(Location.of(entry), "cannot be written: " + e, e);
            }
        }

        /// Records the code of a folder that the user named, for [RemoteCode#requireConsent]. Where the record cannot
        /// be written, consent is requested again.
        public void recordNamed(Path templateFolder) {
            for (Path file : in(templateFolder)) {
                try {
                    Path entry = named(Sha256.of(file));
                    if (Files.notExists(entry)) {
                        AtomicFile.writeText(entry, file.toAbsolutePath() + "\n");
                    }
                } catch (IOException _) {
                    return; // a read-only home, say
                }
            }
        }

        boolean isNamed(String sha256) {
            return Files.exists(named(sha256));
        }

        private Path named(String sha256) {
            return folder.resolve("named-code").resolve(sha256);
        }

        /// Resolves a readable name, of characters that every system accepts.
        private Path entry(Snapshot snapshot, String file) {
            String site = snapshot.repository().site().getAuthority();
            String revision = snapshot.revision().replace("/", "%2F");
            return folder.resolve("trusted")
                    .resolve(site.replace(':', '_'))
                    .resolve(snapshot.repository().id().owner())
                    .resolve(snapshot.repository().id().name())
                    .resolve("%s@%s.json".formatted(file.replace("/", "%2F"), revision));
        }
    }
}
