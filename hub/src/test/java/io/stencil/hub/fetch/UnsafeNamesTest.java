package io.stencil.hub.fetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.HubException;
import io.stencil.hub.Hub;
import io.stencil.hub.protocol.HubKind;
import io.stencil.hub.protocol.HubReference;
import io.stencil.hub.testing.FakeHub;
import io.stencil.hub.testing.TestHubs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Names that are not fetched, and places that are not written to.
class UnsafeNamesTest {

    private static final byte[] WEIGHTS = TestHubs.content(60_000, 1);

    @TempDir
    private Path temporary;

    private final FakeHub fake = new FakeHub();

    @AfterEach
    void close() {
        fake.close();
    }

    private Path base() {
        return temporary.resolve("models");
    }

    private Snapshot fetch(HubKind kind, String reference) {
        try (Hub hub = TestHubs.open(kind, fake, base())) {
            return hub.fetch(HubReference.parse("model", reference), FetchListener.NONE);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../out.json",
                "a/../../out.json",
                "/etc/out.json",
                "a\\..\\out.json",
                "c:out.json",
                ".git/config.json",
                ".stencil/checked/x.json",
                ".STENCIL/listing.json",
                "a/.Stencil/listing.json",
                "a/.\uff27it/x.json",
                "a//b.json",
                "a/./b.json",
                "nul.json",
                "line\nbreak.json",
                "dot./a.json"
            })
    void aNameThatLeavesTheFolderIsRefused(String name) throws IOException {
        fake.repository("org/m").put("config.json", "{}").put(name, "{}");
        for (HubKind kind : HubKind.values()) {
            assertThatThrownBy(() -> fetch(kind, "org/m:config.json"))
                    .isInstanceOf(HubException.class)
                    .hasMessageContaining("does not stay inside the folder");
        }
        assertThat(FetchTest.visible(temporary)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"a.json, A.json", "x/a.json, X/b.json", "a/b.json, A"})
    void namesThatDifferInCaseAloneAreRefused(String one, String other) throws IOException {
        fake.repository("org/m").put(one, "{}").put(other.contains(".") ? other : other + "/c.json", "{}");
        assertThatThrownBy(() -> fetch(HubKind.HUGGING_FACE, "org/m:"))
                .hasMessageContaining("are one name where case does not count");
        assertThat(FetchTest.visible(temporary)).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void linksAreRefused(HubKind kind) throws IOException {
        fake.repository("org/m").link("config.json");
        assertThatThrownBy(() -> fetch(kind, "org/m:")).hasMessageContaining("'config.json': is a link or no file");
        assertThat(FetchTest.visible(temporary)).isEmpty();
    }

    @Test
    void nothingIsWrittenThroughALinkOfThisMachine() throws IOException {
        Path elsewhere = Files.createDirectories(temporary.resolve("elsewhere"));
        Files.createDirectories(base().resolve("org/m"));
        Files.createSymbolicLink(base().resolve("org/m/vae"), elsewhere);
        fake.repository("org/m").put("vae/w.safetensors", WEIGHTS);
        assertThatThrownBy(() -> fetch(HubKind.HUGGING_FACE, "org/m:"))
                .hasMessageContaining("would be written through the link");
        assertThat(elsewhere).isEmptyDirectory();

        // The folder of a model may lie on another disk.
        fake.repository("org/linked").put("vae/w.safetensors", WEIGHTS);
        Files.createSymbolicLink(base().resolve("org/linked"), elsewhere);
        fetch(HubKind.HUGGING_FACE, "org/linked:");
        assertThat(elsewhere.resolve("vae/w.safetensors")).hasBinaryContent(WEIGHTS);
    }

    @Test
    void aPatternWithoutFilesTellsWhatThereIs() {
        fake.repository("org/m")
                .put("vae/w.safetensors", WEIGHTS)
                .put("model.py", "x")
                .put("README.md", "x");
        assertThatThrownBy(() -> fetch(HubKind.HUGGING_FACE, "org/m:transformer/*"))
                .hasMessageEndingWith("'transformer/*' matches no file; found README.md, model.py, vae/");
        assertThatThrownBy(() -> fetch(HubKind.HUGGING_FACE, "org/m:model.py"))
                .hasMessageContaining("'model.py': is of a kind that is not fetched; only safetensors");
    }
}
