package io.stencil.hub.upload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.HubException;
import io.stencil.files.Sha256;
import io.stencil.hub.Hub;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.Repository;
import io.stencil.hub.testing.FakeHub;
import io.stencil.hub.testing.FakeRepository;
import io.stencil.hub.testing.Fault;
import io.stencil.hub.testing.TestHubs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class UploadTest {

    private static final String ID = "me/brightness";
    private static final byte[] WEIGHTS = TestHubs.content(50_000, 3);

    @TempDir
    private Path temporary;

    private final FakeHub fake = new FakeHub();
    private final List<String> sent = new ArrayList<>();
    private Path folder;

    @BeforeEach
    void fill() throws IOException {
        folder = Files.createDirectories(temporary.resolve("folder"));
        Files.createDirectories(folder.resolve("samples"));
        Files.writeString(folder.resolve("Model.java"), "class");
        Files.writeString(folder.resolve("README.md"), "card");
        Files.write(folder.resolve("samples/a.png"), TestHubs.content(2_000_000, 4));
        Files.write(folder.resolve("model.safetensors"), WEIGHTS);
        Files.writeString(folder.resolve("train.py"), "secret");
        Files.writeString(folder.resolve(".hidden.json"), "{}");
    }

    @AfterEach
    void close() {
        fake.close();
    }

    private Uploader.Result upload(HubKind kind, boolean isPrivate, boolean dryRun) {
        return upload(TestHubs.open(kind, fake, temporary.resolve("models")), isPrivate, dryRun);
    }

    private Uploader.Result uploadImpatiently(int attempts) {
        return upload(
                TestHubs.openImpatient(HubKind.HUGGING_FACE, fake, temporary.resolve("models"), attempts), true, false);
    }

    private Uploader.Result upload(Hub opened, boolean isPrivate, boolean dryRun) {
        try (Hub hub = opened) {
            UploadPlan plan = new UploadPlan(
                    hub.repository(Repository.Id.parse("ID", ID)),
                    hub.settings().hub().defaultRevision(),
                    folder,
                    "Upload",
                    isPrivate,
                    null,
                    dryRun);
            return hub.upload(plan, new Uploader.Listener() {
                @Override
                public void onThere(String path, long bytes, boolean isSent) {
                    if (isSent) {
                        sent.add(path);
                    }
                }
            });
        }
    }

    @ParameterizedTest
    @EnumSource
    void aFolderIsPublishedAndItsSecondTimeSendsNothing(HubKind kind) {
        Uploader.Result result = upload(kind, true, false);

        assertThat(result.created()).isTrue();
        assertThat(result.changed()).containsExactly("Model.java", "README.md", "model.safetensors", "samples/a.png");
        assertThat(fake.repository(ID).files().keySet())
                .containsExactly("Model.java", "README.md", "model.safetensors", "samples/a.png");
        assertThat(fake.repository(ID).files().get("model.safetensors")).isEqualTo(WEIGHTS);
        assertThat(fake.repository(ID).isPrivate()).isTrue();
        assertThat(sent).containsExactlyInAnyOrder("model.safetensors", "samples/a.png");

        int commits = fake.repository(ID).commits();
        Uploader.Result again = upload(kind, true, false);
        assertThat(again.changed()).isEmpty();
        assertThat(again.unchanged()).hasSize(4);
        assertThat(fake.repository(ID).commits()).isEqualTo(commits);
    }

    /// What an older package had stays at the hub, and its users would get it too.
    @ParameterizedTest
    @EnumSource
    void whatOnlyTheHubHasIsTold(HubKind kind) throws IOException {
        assertThat(upload(kind, true, false).others()).isEmpty();
        Files.delete(folder.resolve("README.md"));
        fake.repository(ID).put("tool.py", "x").put(".gitattributes", "x");
        assertThat(upload(kind, true, false).others()).containsExactly("README.md");
    }

    @ParameterizedTest
    @ValueSource(strings = {"model.safetensors", "model.safetensors.index.json", "Model.java", "a/model.jar"})
    void codeAndWeightsThatOnlyTheHubHasAreRefused(String stale) throws IOException {
        Files.deleteIfExists(folder.resolve(stale));
        fake.repository(ID).put(stale, "older");
        Map<String, byte[]> before = Map.copyOf(fake.repository(ID).files());
        assertThatThrownBy(() -> upload(HubKind.HUGGING_FACE, true, false))
                .isInstanceOf(HubException.class)
                .hasMessageStartingWith(fake.site() + "/" + ID + ": holds " + stale + ", which " + folder + " has not")
                .hasMessageContaining("delete it there");
        assertThat(fake.repository(ID).files()).isEqualTo(before);
        assertThat(sent).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void aPublicRepositoryIsMadePublic(HubKind kind) {
        upload(kind, false, false);
        assertThat(fake.repository(ID).isPrivate()).isFalse();
    }

    @ParameterizedTest
    @EnumSource
    void aDryRunSendsNothing(HubKind kind) {
        Uploader.Result result = upload(kind, true, true);
        assertThat(result.changed()).hasSize(4);
        assertThat(result.bytes()).isEqualTo(2_050_009);
        assertThat(fake.repositories()).isEmpty();
        assertThat(fake.requests()).allMatch(request -> request.startsWith("GET "));
    }

    @Test
    void largeFilesGoInPartsWhereTheHubWantsThem() {
        fake.useParts(700_000);
        upload(HubKind.HUGGING_FACE, true, false);
        String image = FakeRepository.sha256(TestHubs.content(2_000_000, 4));
        assertThat(partsSent())
                .containsExactlyInAnyOrder(
                        image + "?number=1",
                        image + "?number=2",
                        image + "?number=3",
                        FakeRepository.sha256(WEIGHTS) + "?number=1");
        assertThat(fake.repository(ID).files().get("samples/a.png")).isEqualTo(TestHubs.content(2_000_000, 4));
    }

    /// The parts sent since the last call, each by its file's SHA-256 and its number, however often it was sent.
    private Set<String> partsSent() {
        Set<String> parts = fake.requests().stream()
                .filter(request -> request.startsWith("PUT /part/"))
                .map(request -> request.substring(request.lastIndexOf('/') + 1))
                .collect(Collectors.toSet());
        fake.requests().clear();
        return parts;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aLargeFileThatBrokeOffGoesOnWithItsNextPart(boolean expired) throws IOException {
        fake.useParts(100_000);
        fake.fail(new Fault(
                "PUT /part/", new Fault.Status(403, Map.of(), "no"), new AtomicInteger(15), new AtomicInteger(1000)));
        assertThatThrownBy(() -> upload(HubKind.HUGGING_FACE, true, false)).hasMessageContaining("samples/a.png");
        assertThat(partsSent()).hasSizeGreaterThan(10);
        Path memory = temporary.resolve("models/.uploads");
        assertThat(memory).isDirectoryContaining("glob:**.json");
        assertThat(Files.getPosixFilePermissions(memory)).hasSize(3);

        fake.heal();
        if (expired) {
            fake.endUploads();
        }
        upload(HubKind.HUGGING_FACE, true, false);
        // 20 parts of samples/a.png and one of model.safetensors; where the hub knows no more of it, all are sent.
        assertThat(partsSent()).hasSizeBetween(expired ? 20 : 1, expired ? 21 : 10);
        assertThat(fake.repository(ID).files().get("samples/a.png")).isEqualTo(TestHubs.content(2_000_000, 4));
        assertThat(memory).isEmptyDirectory();

        // Killed after its last part: the hub has it, and nothing of it is remembered any more.
        Files.writeString(
                memory.resolve(Sha256.of((fake.site() + "/" + ID + "\n" + FakeRepository.sha256(WEIGHTS))
                                        .getBytes(StandardCharsets.UTF_8))
                                .substring(0, 32)
                        + ".json"),
                "{}");
        upload(HubKind.HUGGING_FACE, true, false);
        assertThat(memory).isEmptyDirectory();
    }

    /// Only a hub's no ends what was begun: one that fails for a while still has the parts.
    @Test
    void aHubThatFailsMeanwhileKeepsTheParts() {
        fake.useParts(100_000);
        fake.fail(new Fault(
                "PUT /part/", new Fault.Status(403, Map.of(), "no"), new AtomicInteger(15), new AtomicInteger(1000)));
        assertThatThrownBy(() -> upload(HubKind.HUGGING_FACE, true, false)).hasMessageContaining("samples/a.png");
        fake.heal();
        fake.fail(Fault.status("PUT /part/", 503, 3));
        assertThatThrownBy(() -> upload(HubKind.HUGGING_FACE, true, false))
                .hasMessageContainingAll("samples/a.png", "(503", "gave up after 3 attempts");
        partsSent();

        fake.heal();
        upload(HubKind.HUGGING_FACE, true, false);
        assertThat(partsSent()).hasSizeBetween(1, 10);
        assertThat(fake.repository(ID).files().get("samples/a.png")).isEqualTo(TestHubs.content(2_000_000, 4));
    }

    @ParameterizedTest
    @EnumSource
    void anUploadThatBrokeOffGoesOnWithTheRest(HubKind kind) {
        fake.fail(Fault.status("/commit/", 503, 3));
        assertThatThrownBy(() -> upload(kind, true, false)).hasMessageContaining("503");
        assertThat(fake.repository(ID).files()).isEmpty();
        assertThat(sent).hasSize(2);
        sent.clear();

        upload(kind, true, false);
        assertThat(sent).isEmpty();
        assertThat(fake.repository(ID).files()).hasSize(4);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/upload/", "/commit/", "batch"})
    void aPassingFaultIsOvercome(String place) {
        fake.fail(Fault.status(place, 500, 2));
        upload(HubKind.MODELSCOPE, true, false);
        assertThat(fake.repository(ID).files()).hasSize(4);
    }

    @Test
    void aRefusalNamesTheFile() {
        fake.fail(Fault.status("/upload/", 413, 100));
        assertThatThrownBy(() -> upload(HubKind.HUGGING_FACE, true, false))
                .hasMessageMatching(
                        ".*/me/brightness: '(model.safetensors|samples/a.png)': it is too large for the hub \\(413.*");
    }

    @Test
    void whatTheHubWouldLeaveOutIsTold() {
        String answer = "{\"files\": [{\"path\": \"README.md\", \"uploadMode\": \"regular\", \"shouldIgnore\": true}]}";
        fake.fail(Fault.of("/preupload/", new Fault.Status(200, Map.of(), answer), 1));
        assertThatThrownBy(() -> upload(HubKind.HUGGING_FACE, true, false))
                .hasMessageContaining("'README.md': the repository's .gitignore leaves it out");
        assertThat(fake.repository(ID).files()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "MODELSCOPE,401,'set MODELSCOPE_API_TOKEN or pass --hub_token_file where'",
        "HUGGING_FACE,401,'authentication required (401'",
        "MODELSCOPE,403,'authentication required (403'",
        "HUGGING_FACE,403,'set HF_TOKEN or pass --hub_token_file'",
        "HUGGING_FACE,409,'changed by someone else at the same time'",
        "MODELSCOPE,429,'rate limited (429'",
        "HUGGING_FACE,503,'the hub fails'"
    })
    void aStatusIsToldWithRepositoryAndCause(HubKind kind, int status, String cause) {
        for (String place : List.of("/upload/", "/batch", "/commit/")) {
            fake.fail(Fault.status(place, status, 100));
            assertThatThrownBy(() -> upload(kind, true, false))
                    .isInstanceOf(HubException.class)
                    .hasMessageStartingWith(fake.site() + "/" + ID + ": ")
                    .hasMessageContaining(cause)
                    .hasMessageNotContaining("\n");
            fake.heal();
        }
        assertThat(fake.repository(ID).files()).isEmpty();
    }

    @Test
    void theTokenDoesNotGoToTheStorage() {
        upload(HubKind.HUGGING_FACE, true, false);
        assertThat(fake.storageAuthorizations()).isEmpty();
    }

    @Test
    void sumsThatDoNotFitAreToldBefore() throws IOException {
        Sha256Sums.write(folder);
        Files.writeString(folder.resolve("README.md"), "other");
        assertThatThrownBy(() -> upload(HubKind.MODELSCOPE, true, false))
                .hasMessageContaining("is not what SHA256SUMS says");
        assertThat(fake.requests()).isEmpty();
    }

    @Test
    void whereThereAreSumsNothingElseIsPublished() throws IOException {
        for (String other : List.of("train.py", ".hidden.json")) {
            Files.delete(folder.resolve(other));
        }
        Sha256Sums.write(folder);
        Files.writeString(folder.resolve("notes.txt"), "mine");
        upload(HubKind.MODELSCOPE, true, false);
        assertThat(fake.repository(ID).files().keySet())
                .containsExactly("Model.java", "README.md", "SHA256SUMS", "model.safetensors", "samples/a.png");
        UploadPlan plan = new UploadPlan(
                new Repository(HubKind.MODELSCOPE, fake.site(), Repository.Id.parse("ID", ID)),
                "master",
                folder,
                "m",
                true,
                null,
                true);
        assertThat(plan.leftOut()).containsExactly("notes.txt");
    }

    @Test
    void sumsThatNameWhatNobodyFetchesAreRefused() throws IOException {
        Sha256Sums.write(folder);
        assertThatThrownBy(() -> upload(HubKind.MODELSCOPE, true, false))
                .hasMessageContaining("is named by SHA256SUMS, but is hidden or of a kind that nobody fetches");
        assertThat(fake.requests()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void whatWasDoneIsNotDoneTwiceWhenItsAnswerIsLost(HubKind kind) {
        fake.fail(Fault.of(
                kind == HubKind.HUGGING_FACE ? "/repos/create" : "POST /api/v1/models", new Fault.LostAnswer(), 1));
        fake.fail(Fault.of("/commit/", new Fault.LostAnswer(), 1));
        upload(kind, true, false);
        assertThat(fake.repository(ID).files()).hasSize(4);
        assertThat(fake.requests())
                .filteredOn(request -> request.contains("/commit/"))
                .hasSize(1);
        assertThat(fake.requests())
                .filteredOn(request -> request.matches("POST (/api/repos/create|/api/v1/models)"))
                .hasSize(1);
    }

    @Test
    void manyFilesAreAskedAboutInParts() throws IOException {
        for (int i = 0; i < 300; i++) {
            Files.writeString(folder.resolve("samples/%s.json".formatted(i)), "{}");
        }
        upload(HubKind.HUGGING_FACE, true, false);
        assertThat(fake.requests())
                .filteredOn(request -> request.contains("/preupload/"))
                .hasSize(2);
        assertThat(fake.repository(ID).files()).hasSize(304);
    }

    @Test
    void manyLargeFilesGoInSeveralBatches() throws IOException {
        for (int i = 0; i < 150; i++) {
            Files.write(folder.resolve("samples/%s.safetensors".formatted(i)), TestHubs.content(10, 100 + i));
        }
        upload(HubKind.HUGGING_FACE, true, false);
        assertThat(fake.requests())
                .filteredOn(request -> request.endsWith("/info/lfs/objects/batch"))
                .hasSize(2);
        assertThat(fake.repository(ID).files()).hasSize(154);
    }

    @Test
    void aFileThatBecomesShorterIsNoFaultOfTheConnection() throws IOException {
        Path weights = folder.resolve("model.safetensors");
        try (LfsUpload.FileSlice slice = new LfsUpload.FileSlice(weights, 0, WEIGHTS.length + 10)) {
            assertThatThrownBy(slice::readAllBytes)
                    .isInstanceOf(FileSystemException.class)
                    .hasMessage(weights + ": became shorter while it was sent");
        }
        try (LfsUpload.FileSlice slice = new LfsUpload.FileSlice(weights, 100, 7)) {
            assertThat(slice.readAllBytes()).isEqualTo(Arrays.copyOfRange(WEIGHTS, 100, 107));
        }
    }

    @Test
    void linksAreRefused() throws IOException {
        Files.createSymbolicLink(folder.resolve("other.json"), folder.resolve("README.md"));
        assertThatThrownBy(() -> upload(HubKind.MODELSCOPE, true, false)).hasMessageContaining("is a link");
    }

    /// More than the system's own buffers hold between two sockets.
    private void writeMuch() throws IOException {
        Files.write(folder.resolve("samples/a.png"), TestHubs.content(24_000_000, 4));
    }

    @Test
    void aHubThatTakesNoMoreOfABodyIsTold() throws IOException {
        writeMuch();
        fake.fail(Fault.of("PUT /upload/", new Fault.Silent(1_000_000), 1000));
        assertThatThrownBy(() -> uploadImpatiently(3))
                .isInstanceOf(HubException.class)
                .hasMessageStartingWith(fake.site() + "/" + ID + ": '")
                .hasMessageContaining(" bytes, and no more for %s ms; gave up after 3 attempts"
                        .formatted(TestHubs.SILENCE.toMillis()));
    }

    @Test
    void aHubThatTakesABodyAndDoesNotAnswerIsTold() throws IOException {
        Files.write(folder.resolve("samples/a.png"), WEIGHTS, StandardOpenOption.TRUNCATE_EXISTING);
        fake.fail(Fault.of("PUT /upload/", new Fault.Silent(1 << 20), 1000));
        // Silence, and 50000 bytes at 64 KB a second for what the system may hold of the body.
        assertThatThrownBy(() -> uploadImpatiently(3))
                .hasMessageContaining("did not answer within %s ms; gave up after 3 attempts"
                        .formatted(TestHubs.SILENCE.toMillis() + 762));
    }

    @ParameterizedTest
    @ValueSource(strings = {"PUT /upload/", "/commit/", "info/lfs/objects/batch"})
    void silentAndBrokenConnectionsAreOvercome(String place) throws IOException {
        // A long body may be silent for longer: the system may hold much of it.
        Files.write(folder.resolve("samples/a.png"), TestHubs.content(40_000, 4));
        fake.fail(Fault.of(place, new Fault.Silent(10), 1));
        fake.fail(Fault.of(place, new Fault.Dropped(10), 1));
        uploadImpatiently(9);
        assertThat(fake.repository(ID).files().get("model.safetensors")).isEqualTo(WEIGHTS);
    }

    /// It takes twice as long as silence may.
    @Test
    void aSlowBodyIsNoFault() throws IOException {
        writeMuch();
        fake.fail(Fault.of("PUT /upload/", new Fault.Slow(1_000_000, 250), 1000));
        uploadImpatiently(9);
        assertThat(fake.repository(ID).files()).containsKey("samples/a.png");
    }

    @ParameterizedTest
    @CsvSource({"400, the hub refuses the request (400: no)", "404, there is no such repository"})
    void aRefusedBodyIsToldAtOnce(int status, String cause) {
        fake.fail(Fault.status("PUT /upload/", status, 1000));
        assertThatThrownBy(() -> upload(HubKind.HUGGING_FACE, true, false))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("': " + cause)
                .hasMessageNotContaining("attempts");
        assertThat(fake.requests().stream()
                        .filter(request -> request.startsWith("PUT "))
                        .distinct())
                .as("the file that was refused, and no other")
                .hasSize(1);
    }

    @Test
    void theWaitThatAHubAsksForIsKept() {
        fake.fail(Fault.of("PUT /upload/", new Fault.Status(429, Map.of("Retry-After", "1"), "no"), 1));
        long begin = System.nanoTime();
        upload(HubKind.HUGGING_FACE, true, false);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThan(Duration.ofSeconds(1));
        fake.repository(ID).remove("model.safetensors");
        fake.fail(Fault.of("/commit/", new Fault.Status(503, Map.of("Retry-After", "3000"), "no"), 1000));
        assertThatThrownBy(() -> upload(HubKind.HUGGING_FACE, true, false))
                .hasMessageContaining("it requests a wait of 3000 s");
    }

    /// ModelScope says whether a file is new, and lists no files where there are none.
    @Test
    void filesThatAreThereAreUpdatedAndOthersCreated() throws IOException {
        fake.repository(ID);
        upload(HubKind.MODELSCOPE, true, false);
        Files.writeString(folder.resolve("README.md"), "another card");
        Files.write(folder.resolve("model.safetensors"), TestHubs.content(50_000, 9));
        Files.writeString(folder.resolve("LICENSE"), "new");
        assertThat(upload(HubKind.MODELSCOPE, true, false).changed())
                .containsExactly("LICENSE", "README.md", "model.safetensors");
        assertThat(fake.repository(ID).files().get("README.md")).asString().isEqualTo("another card");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'Code': 500, 'Message': 'the disk is full'}",
                "{'Code': 200, 'Message': 'the disk is full', 'Success': false}",
                "{'Code': 500, 'Message': 'the disk is full', 'Success': true}"
            })
    void aFailureUnderAGoodStatusIsTold(String answer) {
        fake.fail(Fault.of("PUT /upload/", new Fault.Status(200, Map.of(), answer.replace('\'', '"')), 1000));
        assertThatThrownBy(() -> upload(HubKind.MODELSCOPE, true, false))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("the hub refuses the request (")
                .hasMessageContaining("the disk is full");
        assertThat(fake.repository(ID).files()).isEmpty();
    }
}
