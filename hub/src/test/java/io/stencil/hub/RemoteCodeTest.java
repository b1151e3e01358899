package io.stencil.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.HubException;
import io.stencil.files.Sha256;
import io.stencil.hub.download.Snapshot;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RemoteCodeTest {

    @TempDir
    private Path temporary;

    private final List<String> reports = new ArrayList<>();
    private final List<String> questions = new ArrayList<>();
    private boolean answer;

    private Snapshot snapshot(String revision) {
        Repository repository = new Repository(
                HubKind.HUGGING_FACE, HubKind.HUGGING_FACE.site(), new Repository.Id("org", "brightness"));
        return new Snapshot(repository, revision, null, temporary.resolve("folder"), List.of());
    }

    private Set<String> ask(String revision, RemoteCode.Consent consent) {
        return RemoteCode.requireTrusted(
                snapshot(revision),
                snapshot(revision).folder(),
                new RemoteCode.Store(temporary.resolve("trust")),
                consent,
                new RemoteCode.Dialog() {
                    @Override
                    public void report(String text) {
                        reports.add(text);
                    }

                    @Override
                    public boolean ask(String question) {
                        questions.add(question);
                        return answer;
                    }
                });
    }

    private Path write(String name, String text) throws IOException {
        Files.createDirectories(temporary.resolve("folder"));
        return Files.writeString(temporary.resolve("folder").resolve(name), text);
    }

    @Test
    void weightsAloneNeedNoTrust() throws IOException {
        write("model.safetensors", "x");
        ask("main", RemoteCode.Consent.NONE);
        assertThat(reports).isEmpty();
    }

    @Test
    void codeIsRefusedUntilItIsTrustedAndThenRemembered() throws IOException {
        Path code = write("Model.java", "one");
        String hash = Sha256.of(code);
        assertThatThrownBy(() -> ask("main", RemoteCode.Consent.NONE))
                .isInstanceOf(HubException.class)
                .hasMessage("https://huggingface.co/org/brightness: 'Model.java': is code and is not run (" + code
                        + ", SHA-256 " + hash + "); read it, then pass --trust_remote_code");

        ask("main", new RemoteCode.Consent(true, null));
        assertThat(reports)
                .containsExactly("trusting code of https://huggingface.co/org/brightness at main: " + code
                        + ", SHA-256 " + hash);
        ask("main", RemoteCode.Consent.NONE);
        assertThat(reports).hasSize(1);
        assertThatThrownBy(() -> ask("v2", RemoteCode.Consent.NONE)).hasMessageContaining("is code and is not run");
    }

    @Test
    void changedCodeIsAskedAboutAgainByItsHash() throws IOException {
        write("Model.java", "one");
        ask("main", new RemoteCode.Consent(true, null));
        String changed = Sha256.of(write("Model.java", "two"));
        assertThatThrownBy(() -> ask("main", new RemoteCode.Consent(true, null)))
                .hasMessageContainingAll("is other code than was trusted", "--trusted_code_hash " + changed);
        assertThatThrownBy(() -> new RemoteCode.Consent(false, changed.substring(1)))
                .hasMessageStartingWith("'trusted_code_hash': must be a SHA-256");
        ask("main", new RemoteCode.Consent(false, changed.toUpperCase(Locale.ROOT)));
        assertThatCode(() -> ask("main", RemoteCode.Consent.NONE)).doesNotThrowAnyException();
    }

    @Test
    void changedCodeRunsWhenTheUserSaysSo() throws IOException {
        String before = Sha256.of(write("Model.java", "one"));
        ask("main", new RemoteCode.Consent(true, null));
        Path code = write("Model.java", "two");
        String changed = Sha256.of(code);
        answer = true;
        assertThat(ask("main", RemoteCode.Consent.NONE)).containsExactly(changed);
        assertThat(questions)
                .containsExactly(
                        "https://huggingface.co/org/brightness: 'Model.java' is other code than was trusted at "
                                + "revision main (" + code + ", SHA-256 " + changed + ", before " + before
                                + "); run it?");
        assertThat(ask("main", RemoteCode.Consent.NONE)).containsExactly(changed);
        assertThat(questions).hasSize(1);
    }

    @Test
    void aJarIsCodeToo() throws IOException {
        write("model.jar", "x");
        assertThatThrownBy(() -> ask("main", RemoteCode.Consent.NONE)).hasMessageContaining("'model.jar': is code");
    }
}
