package io.stencil.hub.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.HubException;
import io.stencil.hub.Hub;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.testing.TestHubs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Names that are not fetched, and places that are not written to.
class UnsafeNamesTest extends FakeHubFixture {

    private static final byte[] WEIGHTS = TestHubs.content(60_000, 1);

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
                "a\\.stencil\\x.json"
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

    /// A name that only some systems cannot hold is in nobody's way who means other files.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "nul.json",
                "aux",
                "line\nbreak.json",
                "two\n\nbreaks.json",
                "bell\u0007.json",
                "csi\u009b.json",
                "zero\0.json",
                "turned\u202e.json",
                "dot./a.json",
                "space /a.json",
                "back\\slash.json",
                "what?.json",
                "a*.json",
                "ab:c.json",
                "<a>|\".json"
            })
    void aNameThatSomeSystemsCannotHoldIsRefusedWhenItIsChosen(String name) throws IOException {
        fake.repository("org/m")
                .put("config.json", "{}")
                .put("w.safetensors", WEIGHTS)
                .put(name, "{}");
        for (HubKind kind : HubKind.values()) {
            assertThat(fetch(kind, "org/m:config.json").files()).containsExactly(base().resolve("org/m/config.json"));
            assertThat(fetch(kind, "org/m:w.*").files()).containsExactly(base().resolve("org/m/w.safetensors"));
        }
        assertThat(FetchTest.visible(base().resolve("org/m"))).containsExactly("config.json", "w.safetensors");
        if (FileNames.isAllowed(name)) {
            assertThatThrownBy(() -> fetch(HubKind.HUGGING_FACE, "org/m:"))
                    .isInstanceOf(HubException.class)
                    .hasMessageContaining("is a name that some systems cannot hold")
                    .hasMessageContaining("by a pattern that leaves it out")
                    .satisfies(fault -> assertThat(fault.getMessage()).doesNotContainPattern("[\\p{Cc}\\u202e]"));
        }
    }

    @Test
    void aFileBesideTheWeightsThatIsLeftOutIsTold() {
        fake.repository("org/m").put("w.safetensors", WEIGHTS).put("a?b.json", "{}");
        List<String> warnings = new ArrayList<>();
        try (Hub hub = TestHubs.open(HubKind.HUGGING_FACE, fake, base())) {
            hub.fetch(HubReference.parse("model", "org/m:w*"), new Fetcher.Listener() {
                @Override
                public void onWarning(String message) {
                    warnings.add(message);
                }
            });
        }
        assertThat(warnings)
                .containsExactly(fake.site()
                        + "/org/m: 'a?b.json' beside the weights is left out: some systems cannot hold its name");
    }

    /// Each character reaches the hub as itself.
    @ParameterizedTest
    @EnumSource
    void oddNamesAreFetchedExactly(HubKind kind) throws IOException {
        List<String> names = List.of(
                "a%20b#c.json",
                "100%.json",
                "%2e%2e/evil.json",
                "weights with space.safetensors",
                "\u00fcn\u00efcode-\u2713.json",
                "\ud83d\ude00/\u8bf4\u660e.md",
                "sub dir/x+y&z=1;v.json",
                "it's (a) [test] {x}, ~$@!^`.json");
        for (String name : names) {
            fake.repository("org/m").put(name, "content of " + name);
        }
        Path folder = fetch(kind, "org/m:").folder();
        assertThat(FetchTest.visible(folder)).containsExactlyInAnyOrderElementsOf(names);
        for (String name : names) {
            assertThat(folder.resolve(name)).hasContent("content of " + name);
        }
        assertThat(fetch(kind, "org/m:a%20b#c.json").files()).containsExactly(folder.resolve("a%20b#c.json"));
        assertThat(fetch(kind, "org/m:sub dir/x+y*").files()).containsExactly(folder.resolve("sub dir/x+y&z=1;v.json"));
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
