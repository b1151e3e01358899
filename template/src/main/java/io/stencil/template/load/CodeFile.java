package io.stencil.template.load;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.TemplateException;
import io.stencil.files.FetchedFolder;
import io.stencil.files.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// The code of a Template, read once: what is judged is what is run, whatever happens to the file in between.
final class CodeFile {

    private final Path path;
    private final byte[] content;

    private CodeFile(Path path, byte[] content) {
        this.path = path;
        this.content = content;
    }

    /// Reads the file when it may run.
    ///
    /// @throws TemplateException naming path and hash of code that may not
    static CodeFile read(Path path, TrustedCode trusted) {
        try {
            CodeFile code = new CodeFile(path, Files.readAllBytes(path));
            code.requireTrusted(trusted);
            return code;
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(path), "cannot be read: " + e, e);
        }
    }

    Path path() {
        return path;
    }

    /// Its bytes, which are this object's own.
    byte[] content() {
        return content;
    }

    private void requireTrusted(TrustedCode trusted) throws IOException {
        Optional<Path> fetched = FetchedFolder.around(path);
        if (trusted.sha256().isEmpty() && fetched.isEmpty()) {
            return;
        }
        String found = sha256();
        if (trusted.sha256().contains(found)) {
            return;
        }
        if (!trusted.sha256().isEmpty()) {
            throw new TemplateException(
                    path, "is not the code that is trusted: its SHA-256 is %s; read it again".formatted(found));
        }
        throw new TemplateException(
                path,
                "is code from a hub, which %s was filled from, and is not run (SHA-256 %s); read it, then pass --trust_remote_code, or in Java new TemplateFolder(folder, TrustedCode.of(\"%s\"))"
                        .formatted(fetched.orElseThrow(), found, found));
    }

    private String sha256() {
        return Sha256.of(content);
    }
}
