package io.stencil.hub.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.HubException;
import io.stencil.files.FetchedFolder;
import io.stencil.hub.Hub;
import io.stencil.hub.HubSettings;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.testing.FakeHub;
import io.stencil.hub.testing.FakeRepository;
import io.stencil.hub.testing.Fault;
import io.stencil.hub.testing.TestHubs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What is here already: of an earlier fetch, of other tools, of Hugging Face's cache.
class OfflineFetchTest extends FakeHubFixture {

    private static final byte[] WEIGHTS = TestHubs.content(200_000, 1);

    @BeforeEach
    void fill() {
        putModel(WEIGHTS);
    }

    private Snapshot offline(HubKind kind, String reference) {
        HubSettings online = TestHubs.settings(kind, fake.site(), base(), null);
        HubSettings settings =
                new HubSettings(kind, online.site(), null, online.roots(), true, online.fetch(), online.http());
        try (Hub hub = Hub.open(settings)) {
            return hub.fetch(HubReference.parse("model", reference), Fetcher.Listener.NONE);
        }
    }

    @Test
    void offlineTakesWhatIsThereAndTellsWhatIsMissing() {
        fetch(HubKind.MODELSCOPE, "org/klein:transformer/*.safetensors");
        int requests = fake.requests().size();

        assertThat(offline(HubKind.MODELSCOPE, "org/klein:transformer/*.safetensors")
                        .files())
                .hasSize(2);
        assertThatThrownBy(() -> offline(HubKind.MODELSCOPE, "org/klein:"))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("3 of 7 files are not in")
                .hasMessageContaining("README.md, tokenizer/tokenizer.json, vae/empty.safetensors");
        assertThatThrownBy(() -> offline(HubKind.MODELSCOPE, "org/other:"))
                .hasMessageContaining("org/other: is not in " + base().resolve("org/other"));
        assertThat(fake.requests()).hasSize(requests);
    }

    @ParameterizedTest
    @EnumSource
    void offlineTakesNoFileOfAnotherRevision(HubKind kind) throws IOException {
        String weights = "org/klein:transformer/one.safetensors";
        Snapshot before = fetch(kind, weights);
        assertThat(offline(kind, weights).files()).isEqualTo(before.files());

        byte[] newer = TestHubs.content(WEIGHTS.length, 9);
        fake.repository("org/klein").put("transformer/one.safetensors", newer);
        fake.fail(Fault.status("/content/", 404, 1000));
        assertThatThrownBy(() -> fetch(kind, weights)).isInstanceOf(HubException.class);
        assertThatThrownBy(() -> offline(kind, weights))
                .hasMessageContaining("or not as revision " + kind.defaultRevision() + " has them")
                .hasMessageContaining("transformer/one.safetensors");

        // What its hash shows to be right needs no record.
        Files.write(before.files().getFirst(), newer);
        assertThat(offline(kind, weights).files()).isEqualTo(before.files());
    }

    @Test
    void whereNeitherHashNorCommitIsToldAFileIsAlwaysFetchedAnewAndOfflineStillKnown() throws IOException {
        String weights = "org/klein:transformer/one.safetensors";
        fake.repository("org/klein").hideCommits();
        Path file = fetch(HubKind.MODELSCOPE, weights).files().getFirst();
        assertThat(offline(HubKind.MODELSCOPE, weights).files()).containsExactly(file);

        byte[] newer = TestHubs.content(WEIGHTS.length, 9);
        fake.repository("org/klein").put("transformer/one.safetensors", newer);
        fake.fail(Fault.status("/content/", 404, 1));
        fake.fail(Fault.status("one.safetensors", 404, 1));
        assertThatThrownBy(() -> fetch(HubKind.MODELSCOPE, weights)).isInstanceOf(HubException.class);
        assertThatThrownBy(() -> offline(HubKind.MODELSCOPE, weights)).isInstanceOf(HubException.class);
        fake.heal();
        assertThat(Files.readAllBytes(fetch(HubKind.MODELSCOPE, weights).files().getFirst()))
                .isEqualTo(newer);
    }

    @Test
    void offlineTakesNoFilesOfAnotherHub() throws IOException {
        fetch(HubKind.MODELSCOPE, "org/klein:");
        try (FakeHub other = new FakeHub()) {
            HubSettings online = TestHubs.settings(HubKind.HUGGING_FACE, other.site(), base(), null);
            HubSettings offline = new HubSettings(
                    HubKind.HUGGING_FACE, online.site(), null, online.roots(), true, online.fetch(), online.http());
            try (Hub hub = Hub.open(offline)) {
                assertThatThrownBy(() -> hub.fetch(HubReference.parse("model", "org/klein:"), Fetcher.Listener.NONE))
                        .hasMessageContaining(
                                "is not here: " + base().resolve("org/klein") + " holds what " + fake.site());
            }
        }
    }

    @Test
    void offlineTakesWhatAnotherToolPutThere() throws IOException {
        Path weights = base().resolve("org/other/model.safetensors");
        Files.createDirectories(weights.getParent());
        Files.write(weights, WEIGHTS);
        assertThat(offline(HubKind.MODELSCOPE, "org/other:").files()).containsExactly(weights);

        // It is others' work from then on, and what that tool adds later is taken too.
        assertThat(Snapshot.around(weights).orElseThrow().repository()).hasToString(fake.site() + "/org/other");
        Path more = Files.write(base().resolve("org/other/more.safetensors"), WEIGHTS);
        assertThat(offline(HubKind.HUGGING_FACE, "org/other:").files()).containsExactly(weights, more);
    }

    /// What is not fetched is known all the same, for those who miss it.
    @Test
    void aFetchTellsWhatTheHubHas() throws IOException {
        Path folder = fetch(HubKind.HUGGING_FACE, "org/klein:vae").folder();
        assertThat(FetchedFolder.listed(folder))
                .containsExactly("README.md", "model.py", "model_index.json", "tokenizer/", "transformer/", "vae/");
        assertThat(FetchedFolder.listed(folder.resolve("transformer"))).contains("config.json", "old.bin");
        assertThat(FetchedFolder.listed(temporary)).isEmpty();
    }

    private Path cacheBlob() throws IOException {
        Path cache = temporary.resolve("hf-cache/models--org--klein");
        Path blob = cache.resolve("blobs").resolve(FakeRepository.sha256(WEIGHTS));
        Files.createDirectories(blob.getParent());
        Files.write(blob, WEIGHTS);
        String commit = "a".repeat(40);
        Path link = cache.resolve("snapshots").resolve(commit).resolve("transformer/one.safetensors");
        Files.createDirectories(link.getParent());
        Files.createSymbolicLink(link, blob);
        Files.createDirectories(cache.resolve("refs"));
        Files.writeString(cache.resolve("refs/main"), commit);
        return blob;
    }

    @ParameterizedTest
    @EnumSource
    void whatHuggingFacesToolsHaveIsNotFetched(HubKind kind) throws IOException {
        Path blob = cacheBlob();
        Snapshot snapshot = fetch(kind, "org/klein:transformer/one.safetensors");
        assertThat(Files.isSameFile(snapshot.files().getFirst(), blob)).isTrue();
        assertThat(fake.requests()).noneMatch(request -> request.contains("one.safetensors"));
    }

    @Test
    void aDamagedFileOfHuggingFacesToolsIsNotTaken() throws IOException {
        byte[] damaged = WEIGHTS.clone();
        damaged[0] ^= 1;
        Files.write(cacheBlob(), damaged);
        Snapshot snapshot = fetch(HubKind.HUGGING_FACE, "org/klein:transformer/one.safetensors");
        assertThat(Files.readAllBytes(snapshot.files().getFirst())).isEqualTo(WEIGHTS);
    }

    @Test
    void offlineHuggingFacesToolsAreAskedToo() throws IOException {
        cacheBlob();
        Snapshot snapshot = offline(HubKind.HUGGING_FACE, "org/klein:transformer/*.safetensors");
        assertThat(Files.readAllBytes(snapshot.files().getFirst())).isEqualTo(WEIGHTS);
        assertThat(snapshot.commit()).isEqualTo("a".repeat(40));
        assertThat(Snapshot.around(snapshot.folder())).isPresent();
    }

    /// As it is where the system has no links.
    @Test
    void offlineTheFilesOfHuggingFacesToolsNeedNoLinks() throws IOException {
        Path blob = cacheBlob();
        Path plain = temporary
                .resolve("hf-cache/models--org--klein/snapshots")
                .resolve("a".repeat(40))
                .resolve("transformer/one.safetensors");
        Files.delete(plain);
        Files.move(blob, plain);
        Files.writeString(plain.resolveSibling("config.json"), "{}");
        Snapshot snapshot = offline(HubKind.HUGGING_FACE, "org/klein:transformer/*.safetensors");
        assertThat(snapshot.commit()).isEqualTo("a".repeat(40));
        assertThat(Files.isSameFile(snapshot.files().getFirst(), plain)).isTrue();
        assertThat(snapshot.folder().resolve("transformer/config.json")).hasContent("{}");
        // It is known from then on, and other content of another size is not taken for it.
        Files.writeString(plain, "shorter");
        assertThat(offline(HubKind.HUGGING_FACE, "org/klein:transformer/one.safetensors")
                        .files())
                .hasSize(1);
    }

    /// A killed one leaves what the next run removes.
    @Test
    void whatAKilledAdoptionLeftIsRemoved() throws IOException {
        cacheBlob();
        ModelFolder place = new ModelFolder(base().resolve("org/klein"));
        Path left = place.adopted("transformer/one.safetensors");
        Files.createDirectories(left.getParent());
        Files.write(left, WEIGHTS);
        Snapshot snapshot = fetch(HubKind.HUGGING_FACE, "org/klein:transformer/one.safetensors");
        assertThat(left).doesNotExist();
        try (Stream<Path> files = Files.walk(snapshot.folder())) {
            assertThat(files.filter(Files::isRegularFile)
                            .map(file -> file.getFileName().toString()))
                    .noneMatch(name -> name.endsWith(".tmp") || name.endsWith(".adopted"));
        }
    }

    @Test
    void offlineShardsThatAnIndexNamesAreMissed() throws IOException {
        Path folder = Files.createDirectories(base().resolve("org/other/transformer"));
        Files.writeString(folder.resolve("m.safetensors.index.json"), """
                {"weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors", "c": "m-2.safetensors"}}""");
        Files.write(folder.resolve("m-1.safetensors"), WEIGHTS);
        for (String reference : List.of("org/other:", "org/other:transformer/*.safetensors")) {
            assertThatThrownBy(() -> offline(HubKind.MODELSCOPE, reference))
                    .isInstanceOf(HubException.class)
                    .hasMessageContaining("1 of 3 files are not in " + base().resolve("org/other"))
                    .hasMessageEndingWith(": transformer/m-2.safetensors");
        }
        assertThat(offline(HubKind.MODELSCOPE, "org/other:transformer/m-1.safetensors")
                        .files())
                .hasSize(1);
        Files.write(folder.resolve("m-2.safetensors"), WEIGHTS);
        assertThat(offline(HubKind.MODELSCOPE, "org/other:").files()).hasSize(3);
    }

    @Test
    void offlineShardsThatHuggingFacesToolsHaveNotAreMissed() throws IOException {
        Path one = cacheBlob();
        Path snapshot =
                temporary.resolve("hf-cache/models--org--klein/snapshots").resolve("a".repeat(40));
        Files.writeString(snapshot.resolve("transformer/one.safetensors.index.json"), """
                {"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}""");
        assertThat(one).exists();
        assertThatThrownBy(() -> offline(HubKind.HUGGING_FACE, "org/klein:transformer"))
                .hasMessageEndingWith(": transformer/two.safetensors");
    }
}
