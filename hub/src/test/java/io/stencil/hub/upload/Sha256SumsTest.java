package io.stencil.hub.upload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.HubException;
import io.stencil.error.InvalidFileException;
import io.stencil.hub.Hub;
import io.stencil.hub.download.Fetcher;
import io.stencil.hub.download.Snapshot;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.testing.FakeHub;
import io.stencil.hub.testing.TestHubs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What checksums prove of a fetched folder.
class Sha256SumsTest {

    @TempDir
    private Path temporary;

    private final FakeHub fake = new FakeHub();

    @BeforeEach
    void publish() throws IOException {
        Path made = Files.createDirectories(temporary.resolve("made"));
        Files.writeString(made.resolve("Model.java"), "class");
        Files.writeString(made.resolve("model-00001-of-00001.safetensors"), "weights");
        Files.writeString(made.resolve("model.safetensors.index.json"), "{}");
        Sha256Sums.write(made);
        for (String name : new String[] {
            "Model.java", "model-00001-of-00001.safetensors", "model.safetensors.index.json", "SHA256SUMS"
        }) {
            fake.repository("me/a").put(name, Files.readAllBytes(made.resolve(name)));
        }
    }

    @AfterEach
    void close() {
        fake.close();
    }

    private Snapshot fetch() {
        try (Hub hub = TestHubs.open(HubKind.MODELSCOPE, fake, temporary.resolve("models"))) {
            return hub.fetch(HubReference.parse("model", "me/a:"), Fetcher.Listener.NONE);
        }
    }

    @Test
    void whatIsNamedAndRightIsTaken() {
        fake.repository("me/a").put("README.md", "a card that came later");
        assertThat(Sha256Sums.requireComplete(fetch())).hasSize(3);
    }

    /// Weights of an older package would be loaded in place of those that are checked.
    @ParameterizedTest
    @ValueSource(strings = {"model.safetensors", "older.safetensors.index.json", "model.jar", "a/Model.java"})
    void codeAndWeightsThatAreNotNamedAreRefused(String stale) {
        fake.repository("me/a").put(stale, "older");
        Snapshot snapshot = fetch();
        assertThatThrownBy(() -> Sha256Sums.requireComplete(snapshot))
                .isInstanceOf(HubException.class)
                .hasMessageStartingWith(fake.site() + "/me/a: SHA256SUMS does not name " + stale + ",")
                .hasMessageContaining("delete it at the hub");
    }

    @Test
    void aFolderWithoutChecksumsProvesNothing() {
        fake.repository("me/a").remove("SHA256SUMS");
        Snapshot snapshot = fetch();
        assertThatThrownBy(() -> Sha256Sums.requireComplete(snapshot))
                .isInstanceOf(HubException.class)
                .hasMessageContainingAll("has no SHA256SUMS", "stencil package");
    }

    @Test
    void whatIsNotAsItSaysIsRefused() {
        fake.repository("me/a").put("Model.java", "other");
        Snapshot snapshot = fetch();
        assertThatThrownBy(() -> Sha256Sums.requireComplete(snapshot))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("is not what SHA256SUMS says");
    }
}
