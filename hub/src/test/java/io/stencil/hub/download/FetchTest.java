package io.stencil.hub.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.hub.Hub;
import io.stencil.hub.ModelSource;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.testing.Fault;
import io.stencil.hub.testing.TestHubs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Fetching from a hub that works.
class FetchTest extends FakeHubFixture {

    private static final byte[] WEIGHTS = TestHubs.content(200_000, 1);

    @BeforeEach
    void fill() {
        putModel(WEIGHTS);
    }

    static List<String> visible(Path folder) throws IOException {
        if (Files.notExists(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> folder.relativize(file).toString())
                    .filter(name -> !name.startsWith("."))
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @EnumSource
    void aPatternBringsItsFilesAndWhatTheyNeed(HubKind kind) throws IOException {
        Snapshot snapshot = fetch(kind, "org/klein:transformer/*.safetensors");

        assertThat(snapshot.folder()).isEqualTo(base().resolve("org/klein"));
        assertThat(snapshot.files())
                .containsExactly(
                        base().resolve("org/klein/transformer/one.safetensors"),
                        base().resolve("org/klein/transformer/two.safetensors"));
        assertThat(visible(snapshot.folder()))
                .containsExactly(
                        "model_index.json",
                        "transformer/config.json",
                        "transformer/one.safetensors",
                        "transformer/two.safetensors");
        assertThat(Files.readAllBytes(snapshot.files().getFirst())).isEqualTo(WEIGHTS);
        assertThat(snapshot.commit()).isEqualTo(fake.repository("org/klein").commit());
        assertThat(fake.storageAuthorizations()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void anEmptyPatternBringsAllThatIsSafeToRead(HubKind kind) throws IOException {
        assertThat(visible(fetch(kind, "org/klein:").folder()))
                .containsExactly(
                        "README.md",
                        "model_index.json",
                        "tokenizer/tokenizer.json",
                        "transformer/config.json",
                        "transformer/one.safetensors",
                        "transformer/two.safetensors",
                        "vae/empty.safetensors");
    }

    /// FLUX.2-klein has 7.75 GB of it.
    @Test
    void theCopyOfAPipelineInOneFileIsFetchedByItsNameAlone() throws IOException {
        fake.repository("org/klein").put("flux-2-klein.safetensors", WEIGHTS);

        assertThat(visible(fetch(HubKind.HUGGING_FACE, "org/klein:").folder()))
                .contains("transformer/one.safetensors")
                .doesNotContain("flux-2-klein.safetensors");
        assertThat(visible(
                        fetch(HubKind.HUGGING_FACE, "org/klein:*.safetensors").folder()))
                .contains("flux-2-klein.safetensors");
    }

    /// A Template has its weights there, and no folders.
    @Test
    void weightsAtTheRootOfAnotherRepositoryAreFetched() throws IOException {
        fake.repository("org/brightness").put("model.safetensors", WEIGHTS).put("Model.java", "class Model {}");

        assertThat(visible(fetch(HubKind.HUGGING_FACE, "org/brightness:").folder()))
                .contains("model.safetensors");
    }

    @Test
    void whatIsRightIsNotFetchedAgainAndWhatChangedIs() throws IOException {
        fetch(HubKind.HUGGING_FACE, "org/klein:tokenizer/");
        fetch(HubKind.HUGGING_FACE, "org/klein:transformer/one.safetensors");
        long served = fake.served();
        fetch(HubKind.HUGGING_FACE, "org/klein:transformer/one.safetensors");
        assertThat(fake.served()).isEqualTo(served);

        Path weights = base().resolve("org/klein/transformer/one.safetensors");
        byte[] damaged = WEIGHTS.clone();
        damaged[7] ^= 1;
        Files.write(weights, damaged);
        Files.setLastModifiedTime(weights, java.nio.file.attribute.FileTime.fromMillis(1));
        fetch(HubKind.HUGGING_FACE, "org/klein:transformer/one.safetensors");
        assertThat(Files.readAllBytes(weights)).isEqualTo(WEIGHTS);

        byte[] newer = TestHubs.content(300_000, 9);
        fake.repository("org/klein").put("transformer/one.safetensors", newer);
        fetch(HubKind.HUGGING_FACE, "org/klein:transformer/one.safetensors");
        assertThat(Files.readAllBytes(weights)).isEqualTo(newer);
    }

    @Test
    void filesOfTheSameNameThatLieThereAreTakenOver() throws IOException {
        Path weights = base().resolve("org/klein/transformer/one.safetensors");
        Files.createDirectories(weights.getParent());
        Files.write(weights, WEIGHTS);
        fetch(HubKind.MODELSCOPE, "org/klein:transformer/one.safetensors");
        assertThat(fake.served()).isLessThan(WEIGHTS.length);
    }

    @Test
    void aRevisionHasAFolderOfItsOwnAndIsAskedFor() {
        Snapshot snapshot = fetch(HubKind.HUGGING_FACE, "org/klein@release/1.0:README.md");
        assertThat(snapshot.folder()).isEqualTo(base().resolve("org/klein@release%2F1.0"));
        assertThat(fake.requests()).anyMatch(request -> request.contains("/revision/release%2F1.0"));

        fetch(HubKind.MODELSCOPE, "org/klein@v2:README.md");
        assertThat(fake.requests()).anyMatch(request -> request.contains("Revision=v2"));
    }

    @Test
    void aServerWithoutRangesServesToo() throws IOException {
        fake.fail(Fault.of("/content/", new Fault.NoRanges(), 1000));
        Snapshot snapshot = fetch(HubKind.HUGGING_FACE, "org/klein:transformer/one.safetensors");
        assertThat(Files.readAllBytes(snapshot.files().getFirst())).isEqualTo(WEIGHTS);
    }

    /// The first range comes alone; then four at a time, or none: each waits for three others.
    @Test
    void rangesComeSideBySide() throws IOException {
        AtomicInteger together = new AtomicInteger();
        CyclicBarrier four = new CyclicBarrier(4, together::incrementAndGet);
        fake.fail(new Fault("/content/", new Fault.Together(four), new AtomicInteger(1), new AtomicInteger(1000)));
        Snapshot snapshot = fetch(HubKind.HUGGING_FACE, "org/klein:transformer/one.safetensors");
        assertThat(Files.readAllBytes(snapshot.files().getFirst())).isEqualTo(WEIGHTS);
        assertThat(together).hasValue(3);
    }

    /// The content comes when the other two wait for it.
    @Test
    void severalAtOnceFetchAFileOnce() throws Exception {
        CountDownLatch waiting = new CountDownLatch(2);
        fake.fail(Fault.of("/content/", new Fault.Held(waiting), 1));
        Fetcher.Listener listener = new Fetcher.Listener() {
            @Override
            public void onWaiting(io.stencil.hub.provider.Repository repository, String file) {
                if (file.equals("transformer/one.safetensors")) {
                    waiting.countDown();
                }
            }
        };
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            threads.add(Thread.ofVirtual().start(() -> {
                try (Hub hub = TestHubs.open(HubKind.HUGGING_FACE, fake, base())) {
                    hub.fetch(HubReference.parse("model", "org/klein:transformer/one.safetensors"), listener);
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(waiting.getCount()).isZero();
        assertThat(fake.headers("Range"))
                .filteredOn(range -> range.startsWith("bytes=%s-".formatted(TestHubs.CHUNK)))
                .hasSize(1);
        assertThat(Files.readAllBytes(base().resolve("org/klein/transformer/one.safetensors")))
                .isEqualTo(WEIGHTS);
    }

    /// Two processes, two revisions, one folder: the second to finish reports files of the first.
    @Test
    void aFolderThatAnotherProcessFilledMeanwhileIsTold() {
        fake.fail(Fault.of("transformer/one", new Fault.Slow(100, 20), 1));
        try (Hub hub = TestHubs.open(HubKind.MODELSCOPE, fake, base())) {
            assertThatThrownBy(() -> hub.fetch(HubReference.parse("model", "org/klein:"), new Fetcher.Listener() {
                        private boolean isFirst = true;

                        @Override
                        public synchronized void onProgress(
                                io.stencil.hub.provider.Repository repository,
                                int files,
                                int allFiles,
                                long bytes,
                                long allBytes) {
                            if (isFirst && files > 0) {
                                isFirst = false;
                                fake.repository("org/klein").put("config.json", "{ }");
                                fetch(HubKind.MODELSCOPE, "org/klein:config.json");
                            }
                        }
                    }))
                    .hasMessageContaining("another process filled " + base().resolve("org/klein"));
        }
    }

    @Test
    void filesThatARevisionHasNoMoreAreRemoved() throws IOException {
        Path folder = fetch(HubKind.MODELSCOPE, "org/klein:").folder();
        Files.writeString(folder.resolve("README.md"), "changed here");
        Files.writeString(folder.resolve("own.json"), "{}");
        fake.repository("org/klein").remove("tokenizer/tokenizer.json").remove("README.md");
        List<String> warnings = new ArrayList<>();
        try (Hub hub = TestHubs.open(HubKind.MODELSCOPE, fake, base())) {
            hub.fetch(HubReference.parse("model", "org/klein:vae/"), new Fetcher.Listener() {
                @Override
                public void onWarning(String message) {
                    warnings.add(message);
                }
            });
        }
        assertThat(visible(folder))
                .contains("README.md", "own.json", "transformer/one.safetensors")
                .doesNotContain("tokenizer/tokenizer.json");
        assertThat(folder.resolve("tokenizer")).doesNotExist();
        assertThat(warnings)
                .singleElement()
                .asString()
                .contains(folder.resolve("README.md") + " is not part of revision master any more");
    }

    @Test
    void aFolderTellsWhatItWasFetchedAs() throws IOException {
        Snapshot snapshot = fetch(HubKind.HUGGING_FACE, "org/klein@v2:transformer/");
        Snapshot found =
                Snapshot.around(snapshot.folder().resolve("transformer")).orElseThrow();
        assertThat(found.repository()).isEqualTo(snapshot.repository());
        assertThat(found.revision()).isEqualTo("v2");
        assertThat(found.folder()).isEqualTo(snapshot.folder().toAbsolutePath());
        assertThat(Snapshot.around(temporary)).isEmpty();
    }

    @Test
    void javaUsersNameASource() throws IOException {
        try (Hub hub = TestHubs.open(HubKind.MODELSCOPE, fake, base())) {
            ModelSource source = ModelSource.hub("org/klein", "transformer/t*.safetensors");
            assertThat(source.files(hub)).containsExactly(base().resolve("org/klein/transformer/two.safetensors"));
            assertThat(source.folder(hub)).isEqualTo(base().resolve("org/klein"));
            assertThat(ModelSource.local(temporary).files(hub)).containsExactly(temporary);
            Path absent = temporary.resolve("absent");
            assertThatThrownBy(() -> ModelSource.local(absent).files(hub))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessage(absent + ": does not exist");
        }
    }
}
