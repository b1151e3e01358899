package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.TemplateException;
import io.stencil.files.FetchedFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Code that came from a hub runs only when its hash is named, whichever way its folder is.
class TrustedCodeTest {

    @TempDir
    private Path temporary;

    private Path fetched;
    private Path folder;

    @BeforeEach
    void fetch() throws IOException {
        fetched = temporary.resolve("org/name");
        Files.createDirectories(FetchedFolder.record(fetched).getParent());
        Files.writeString(FetchedFolder.record(fetched), "{}");
        folder = Files.createDirectories(fetched.resolve("templates/one"));
        Files.writeString(folder.resolve("Model.java"), ModelSource.GOOD.text());
    }

    private static String hash(Path file) throws IOException, NoSuchAlgorithmException {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    }

    @Test
    void aFetchedFolderIsNotOnesOwn() throws Exception {
        String hash = hash(folder.resolve("Model.java"));
        assertThatThrownBy(() -> new TemplateFolder(folder))
                .isInstanceOf(TemplateException.class)
                .hasMessageStartingWith(folder.resolve("Model.java") + ": is code from a hub")
                .hasMessageContainingAll(hash, "--trust_remote_code", "TrustedCode.of(");
        Path link = Files.createSymbolicLink(temporary.resolve("mine"), folder);
        assertThatThrownBy(() -> new TemplateFolder(link)).hasMessageContaining("is code from a hub");
        Path own = Files.createDirectories(temporary.resolve("own"));
        Files.createSymbolicLink(own.resolve("Model.java"), folder.resolve("Model.java"));
        assertThatThrownBy(() -> new TemplateFolder(own)).hasMessageContaining("is code from a hub");

        assertThat(new TemplateFolder(folder, TrustedCode.of(hash.toUpperCase(Locale.ROOT))).describeInputs())
                .isPresent();
        assertThatThrownBy(() -> new TemplateFolder(folder, TrustedCode.of("0".repeat(64))))
                .hasMessageContaining("is not the code that is trusted: its SHA-256 is " + hash);
    }

    @Test
    void codeThatIsExchangedAfterItWasTrustedDoesNotRun() throws Exception {
        Path code = folder.resolve("Model.java");
        TemplateFolder template = new TemplateFolder(folder, TrustedCode.of(hash(code)));
        Files.writeString(code, ModelSource.GOOD.text() + "\n");
        assertThatThrownBy(template::describeInputs).hasMessageContaining("is not the code that is trusted");
    }

    @Test
    void whatLiesInHuggingFacesCacheIsNotOnesOwn() throws IOException {
        Path snapshot = Files.createDirectories(temporary.resolve("hub/models--org--name/snapshots/abc"));
        Files.writeString(snapshot.resolve("Model.java"), ModelSource.GOOD.text());
        assertThatThrownBy(() -> new TemplateFolder(snapshot)).hasMessageContaining("is code from a hub");
    }

    @Test
    void aJarIsCodeToo() throws Exception {
        Files.delete(folder.resolve("Model.java"));
        Files.writeString(folder.resolve("model.jar"), "whatever");
        assertThatThrownBy(() -> new TemplateFolder(folder)).hasMessageContaining("model.jar: is code from a hub");
    }

    @Test
    void weightsAndOnesOwnFoldersNeedNoTrust() throws IOException {
        Path own = Files.createDirectories(temporary.resolve("own"));
        Files.writeString(own.resolve("Model.java"), ModelSource.GOOD.text());
        assertThat(new TemplateFolder(own).describeInputs()).isPresent();
        Files.delete(folder.resolve("Model.java"));
        assertThatCode(() -> new TemplateFolder(folder)).doesNotThrowAnyException();
    }
}
