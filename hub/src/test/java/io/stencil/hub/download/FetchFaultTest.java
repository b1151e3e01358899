package io.stencil.hub.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.HubException;
import io.stencil.error.InvalidFileException;
import io.stencil.hub.Hub;
import io.stencil.hub.http.HttpSettings;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.HubProtocol;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.provider.Listing.Checksum;
import io.stencil.hub.provider.Listing.RemoteFile;
import io.stencil.hub.provider.Repository;
import io.stencil.hub.testing.FakeRepository;
import io.stencil.hub.testing.Fault;
import io.stencil.hub.testing.TestHubs;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Hubs that refuse, fail and lie: one line each, and nothing wrong under a final name.
class FetchFaultTest extends FakeHubFixture {

    private static final byte[] WEIGHTS = TestHubs.content(60_000, 1);
    private static final int ALWAYS = 1_000_000;

    private Snapshot fetch() {
        fake.repository("org/m").put("w.safetensors", WEIGHTS);
        return fetch(HubKind.HUGGING_FACE, "org/m:");
    }

    private Snapshot fetchImpatiently() {
        fake.repository("org/m").put("w.safetensors", WEIGHTS);
        try (Hub hub = TestHubs.openImpatient(HubKind.HUGGING_FACE, fake, base(), 3)) {
            return hub.fetch(HubReference.parse("model", "org/m:"), Fetcher.Listener.NONE);
        }
    }

    private void failsWith(String... parts) throws IOException {
        failsWith(this::fetch, parts);
    }

    private void failsWith(ThrowingCallable fetch, String... parts) throws IOException {
        assertThatThrownBy(fetch)
                .isInstanceOf(HubException.class)
                .hasMessageContainingAll(parts)
                .hasMessageStartingWith(fake.site() + "/org/m: ")
                .satisfies(fault ->
                        assertThat(fault.getMessage()).doesNotContain("\n").doesNotContain("signature"));
        assertThat(FetchTest.visible(base().resolve("org/m"))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "401, 'authentication required (401'",
        "401, 'set HF_TOKEN or pass --hub_token_file where the repository is private'",
        "403, 'authentication required (403'",
        "403, accept the model's terms",
        "404, 'there is no such repository, revision or file (404'",
        "429, 'rate limited (429'",
        "429, gave up after 3 attempts",
        "500, gave up after 3 attempts",
        "503, 'the hub fails (503'"
    })
    void aStatusIsTold(int status, String expected) throws IOException {
        fake.fail(Fault.status("/content/", status, ALWAYS));
        failsWith("'w.safetensors': ", "(%s".formatted(status), expected);
        fake.heal();
        fake.fail(Fault.status("/api/models/", status, ALWAYS));
        failsWith("(%s".formatted(status), expected);
    }

    /// A hub's answers are not ours to be strict with.
    @Test
    void repeatedKeysOfAnAnswerAreNoFault() throws IOException {
        fake.repository("org/m").put("w.safetensors", WEIGHTS);
        String commit = fake.repository("org/m").commit();
        String answer = "{\"sha\": \"0\", \"sha\": \"%s\"} ok".formatted(commit);
        fake.fail(Fault.of("/revision/", new Fault.Status(200, Map.of(), answer), ALWAYS));
        assertThat(Files.readAllBytes(
                        fetch(HubKind.HUGGING_FACE, "org/m:").files().getFirst()))
                .isEqualTo(WEIGHTS);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"error\": \"gated\"}",
                "{\"error\": \"gated\"}\ntrace 7",
                "{\"error\": \"no\", \"error\": \"gated\"}",
            })
    void theMessageOfAJsonBodyIsTold(String body) throws IOException {
        fake.fail(Fault.of("/content/", new Fault.Status(403, Map.of(), body), ALWAYS));
        failsWith("'w.safetensors': ", "(403: gated)");
    }

    @ParameterizedTest
    @ValueSource(ints = {408, 429, 500, 502, 503, 504})
    void aPassingFaultIsOvercome(int status) throws IOException {
        fake.fail(Fault.status("/content/", status, 2));
        fake.fail(Fault.status("/tree/", status, 2));
        assertThat(Files.readAllBytes(fetch().files().getFirst())).isEqualTo(WEIGHTS);
    }

    @Test
    void theHubsOwnWaitIsKept() {
        fake.fail(Fault.of("/tree/", new Fault.Status(429, Map.of("Retry-After", "1"), ""), 1));
        long begin = System.nanoTime();
        fetch();
        assertThat((System.nanoTime() - begin) / 1_000_000).isGreaterThanOrEqualTo(1000);
    }

    @Test
    void aWaitThatIsTooLongIsToldInstead() throws IOException {
        fake.fail(Fault.of("/tree/", new Fault.Status(429, Map.of("Retry-After", "86400"), "slow down"), ALWAYS));
        failsWith("(429: slow down)", "requests a wait of 86400 s");
    }

    /// A date has whole seconds, so that the wait is up to one second shorter.
    @Test
    void aDateToWaitForIsKept() {
        long begin = System.nanoTime();
        fake.fail(Fault.of("/tree/", new Fault.Status(503, Map.of("Retry-After", inSeconds(2)), ""), 1));
        fetch();
        assertThat((System.nanoTime() - begin) / 1_000_000).isGreaterThanOrEqualTo(900);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/tree/", "/content/"})
    void aDateThatIsTooFarIsToldInstead(String place) throws IOException {
        fake.fail(Fault.of(place, new Fault.Status(429, Map.of("Retry-After", inSeconds(86_400)), "no"), ALWAYS));
        failsWith("(429: no)", "requests a wait of 86");
    }

    @Test
    void aDateThatHasPassedIsNoWait() {
        fake.fail(Fault.of("/content/", new Fault.Status(503, Map.of("Retry-After", inSeconds(-3600)), ""), 1));
        assertThat(fetch().files()).hasSize(1);
    }

    private static String inSeconds(int seconds) {
        return DateTimeFormatter.RFC_1123_DATE_TIME.format(
                ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(seconds));
    }

    @Test
    void aBodyThatIsShorterThanItsRangeIsTold() throws IOException {
        fake.fail(Fault.of("/content/", new Fault.OtherLength(-10), ALWAYS));
        failsWith("'w.safetensors': the connection to", "broke off (", "bytes came)", "gave up after 3 attempts");
        fake.heal();
        fake.fail(Fault.of("/content/", new Fault.OtherLength(-10), 1));
        assertThat(Files.readAllBytes(fetch().files().getFirst())).isEqualTo(WEIGHTS);
    }

    @Test
    void aBodyThatIsLongerThanItsRangeIsTold() throws IOException {
        fake.fail(Fault.of("/content/", new Fault.OtherLength(10), ALWAYS));
        failsWith("'w.safetensors': the hub gives more than the 60000 bytes that its listing says");
    }

    @Test
    void anotherRangeThanWasAskedForIsTold() throws IOException {
        fake.fail(Fault.of("/content/", new Fault.OtherRange(), ALWAYS));
        failsWith("'w.safetensors': the hub gives the range 'bytes ", "expected bytes ");
    }

    @ParameterizedTest
    @EnumSource
    void wrongBytesAreNotKept(HubKind kind) throws IOException {
        fake.fail(Fault.of("/content/", new Fault.WrongBytes(), ALWAYS));
        fake.repository("org/m").put("w.safetensors", WEIGHTS);
        assertThatThrownBy(() -> fetch(kind, "org/m:"))
                .hasMessageContainingAll(
                        "'w.safetensors': what came is not what the hub lists", "sha256:", "nothing was kept");
        assertThat(FetchTest.visible(base().resolve("org/m"))).isEmpty();
    }

    @Test
    void aSmallFileIsCheckedByGitsHash() {
        fake.repository("org/m").put("config.json", "{\"heads\": 24}");
        fake.fail(Fault.of("/resolve/", new Fault.WrongBytes(), ALWAYS));
        assertThatThrownBy(() -> fetch(HubKind.HUGGING_FACE, "org/m:")).hasMessageContaining("expected git:");
    }

    @Test
    void oneWrongTransferIsOvercome() throws IOException {
        fake.fail(Fault.of("/content/", new Fault.WrongBytes(), 1));
        assertThat(Files.readAllBytes(fetch().files().getFirst())).isEqualTo(WEIGHTS);
    }

    @Test
    void aBodyThatEndsEarlyIsTold() throws IOException {
        fake.fail(Fault.of("/content/", new Fault.Dropped(100), ALWAYS));
        failsWith("'w.safetensors': the connection to 127.0.0.1", "broke off", "gave up after 3 attempts");
    }

    @Test
    void droppedConnectionsAreOvercome() throws IOException {
        fake.fail(Fault.of("/content/", new Fault.Dropped(5000), 2));
        assertThat(Files.readAllBytes(fetch().files().getFirst())).isEqualTo(WEIGHTS);
    }

    @Test
    void aSilentConnectionIsTold() throws IOException {
        fake.fail(Fault.of("/content/", new Fault.Silent(100), ALWAYS));
        failsWith(
                this::fetchImpatiently,
                "'w.safetensors': 127.0.0.1",
                "fell silent: no data came for %s ms".formatted(TestHubs.SILENCE.toMillis()));
    }

    /// Each range takes longer than silence may.
    @Test
    void aSlowConnectionIsNoFault() throws IOException {
        fake.fail(Fault.of("/content/", new Fault.Slow(2000, 450), ALWAYS));
        assertThat(Files.readAllBytes(fetchImpatiently().files().getFirst())).isEqualTo(WEIGHTS);
    }

    @Test
    void aSignedAddressThatIsNoLongerGoodIsAskedForAgain() throws IOException {
        fake.fail(new Fault(
                "/content/", new Fault.Status(403, Map.of(), "expired"), new AtomicInteger(1), new AtomicInteger(1)));
        assertThat(Files.readAllBytes(fetch().files().getFirst())).isEqualTo(WEIGHTS);
        assertThat(fake.requests())
                .filteredOn(request -> request.contains("/resolve/"))
                .hasSizeGreaterThan(1);
    }

    @Test
    void theFileThatFailedIsToldAndNotOneThatWasStopped() throws IOException {
        byte[] other = TestHubs.content(WEIGHTS.length, 2);
        fake.repository("org/m").put("a.safetensors", WEIGHTS).put("b.safetensors", other);
        fake.fail(Fault.of(FakeRepository.sha256(WEIGHTS), new Fault.Slow(500, 20), ALWAYS));
        // The second file fails in its ranges, while the first is on its way.
        fake.fail(new Fault(
                FakeRepository.sha256(other),
                new Fault.Status(404, Map.of(), ""),
                new AtomicInteger(1),
                new AtomicInteger(ALWAYS)));
        fake.fail(new Fault(
                "b.safetensors", new Fault.Status(404, Map.of(), ""), new AtomicInteger(1), new AtomicInteger(ALWAYS)));
        assertThatThrownBy(() -> fetch(HubKind.HUGGING_FACE, "org/m:"))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("'b.safetensors': there is no such");
        assertThat(FetchTest.visible(base().resolve("org/m"))).isEmpty();
    }

    @Test
    void whatIsLeftOfAnOlderFileIsRemoved() throws IOException {
        fake.repository("org/m").put("w.safetensors", WEIGHTS);
        fake.fail(new Fault("/content/", new Fault.Dropped(10), new AtomicInteger(2), new AtomicInteger(ALWAYS)));
        assertThatThrownBy(() -> fetch(HubKind.HUGGING_FACE, "org/m:")).isInstanceOf(HubException.class);
        Path partials = base().resolve("org/m/.stencil/partial");
        assertThat(partials).isNotEmptyDirectory();
        fake.heal();
        fake.repository("org/m").put("w.safetensors", TestHubs.content(70_000, 8));
        fetch(HubKind.HUGGING_FACE, "org/m:");
        assertThat(partials).isEmptyDirectory();
    }

    @Test
    void whatIsNoListingIsTold() throws IOException {
        fake.fail(Fault.of("/tree/", new Fault.Status(200, Map.of(), "{}"), ALWAYS));
        failsWith("the hub's answer is not a listing of files");
    }

    @Test
    void whatIsNoJsonIsTold() throws IOException {
        fake.fail(Fault.of("/revision/", new Fault.Status(200, Map.of(), "<html>"), ALWAYS));
        failsWith("the hub's answer is not JSON");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/elsewhere", "ftp://other/x", "not an address"})
    void aRedirectThatGoesNowhereIsTold(String target) throws IOException {
        fake.fail(Fault.of("/resolve/", new Fault.Status(302, Map.of("Location", target), ""), ALWAYS));
        failsWith("'w.safetensors': ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"86400", "99999999999", "999999999999999999999"})
    void aWaitOfManyDigitsIsAWaitToo(String seconds) throws IOException {
        fake.fail(Fault.of("/tree/", new Fault.Status(429, Map.of("Retry-After", seconds), "slow down"), ALWAYS));
        failsWith("(429: slow down)", "requests a wait of");
        assertThat(fake.requests())
                .filteredOn(request -> request.contains("/tree/"))
                .hasSize(1);
    }

    @Test
    void aListingThatIsNoJsonIsTold() throws IOException {
        fake.fail(Fault.of("/tree/", new Fault.Status(200, Map.of(), "<html>"), ALWAYS));
        failsWith("the hub's answer is not JSON");
    }

    @ParameterizedTest
    @ValueSource(strings = {"<ftp://x/y>; rel=\"next\"", "<:>; rel=\"next\""})
    void aListingThatGoesOnNowhereIsTold(String link) throws IOException {
        fake.fail(Fault.of("/tree/", new Fault.Status(200, Map.of("Link", link), "[]"), ALWAYS));
        failsWith("the hub's listing continues at a URL outside the hub");
    }

    @Test
    void moreBytesThanThereCanBeAreTold() {
        String file = "{\"Path\": \"%s.json\", \"Type\": \"blob\", \"Size\": " + Long.MAX_VALUE + "}";
        fake.fail(Fault.of(
                "/repo/files",
                new Fault.Status(
                        200,
                        Map.of(),
                        "{\"Success\": true, \"Data\": {\"Files\": [%s, %s]}}"
                                .formatted(file.formatted("a"), file.formatted("b"))),
                ALWAYS));
        fake.repository("org/m").put("w.safetensors", WEIGHTS);
        assertThatThrownBy(() -> fetch(HubKind.MODELSCOPE, "org/m:"))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("more bytes than there can be");
    }

    @Test
    void aFullDiskIsToldAsWhatItIs() throws IOException {
        fake.repository("org/m").put("w.safetensors", WEIGHTS);
        ModelFolder place = new ModelFolder(base().resolve("org/m"));
        RemoteFile file = new RemoteFile(
                "w.safetensors", WEIGHTS.length, new Checksum.Sha256(FakeRepository.sha256(WEIGHTS)), true);
        Path partial = place.partial(file, null);
        Files.createDirectories(partial.getParent());
        Files.createSymbolicLink(partial, Path.of("/dev/full")); // takes nothing, as a disk without space
        assertThatThrownBy(() -> fetch(HubKind.HUGGING_FACE, "org/m:"))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(partial + ": cannot be written: No space left on device");
        assertThat(fake.requests())
                .filteredOn(request -> request.contains("/content/"))
                .hasSize(1);
    }

    @Test
    void aFileWithoutAHashIsNeverMadeOfTwoVersions() throws IOException {
        fake.repository("org/m").put("w.safetensors", WEIGHTS).hideHashes();
        fake.fail(new Fault("/content/", new Fault.Dropped(10), new AtomicInteger(2), new AtomicInteger(ALWAYS)));
        assertThatThrownBy(() -> fetch(HubKind.MODELSCOPE, "org/m:")).isInstanceOf(HubException.class);
        fake.heal();
        byte[] newer = TestHubs.content(WEIGHTS.length, 8);
        fake.repository("org/m").put("w.safetensors", newer);
        Snapshot snapshot = fetch(HubKind.MODELSCOPE, "org/m:");
        assertThat(Files.readAllBytes(snapshot.files().getFirst())).isEqualTo(newer);

        // Nor is one of another commit taken for it, though it has its size.
        byte[] newest = TestHubs.content(WEIGHTS.length, 9);
        fake.repository("org/m").put("w.safetensors", newest);
        fetch(HubKind.MODELSCOPE, "org/m:");
        assertThat(Files.readAllBytes(snapshot.files().getFirst())).isEqualTo(newest);
        long served = fake.served();
        fetch(HubKind.MODELSCOPE, "org/m:");
        assertThat(fake.served()).isEqualTo(served);
    }

    @Test
    void whatIsInPartialFilesNeedsNoMoreSpace() throws IOException {
        Repository repository =
                new Repository(HubKind.HUGGING_FACE, fake.site(), Repository.Id.parse("model", "org/m"));
        fake.repository("org/m").put("w.safetensors", WEIGHTS);
        RemoteFile file = new RemoteFile(
                "w.safetensors", WEIGHTS.length, new Checksum.Sha256(FakeRepository.sha256(WEIGHTS)), true);
        ModelFolder place = new ModelFolder(base().resolve("org/m"));
        fake.fail(new Fault("/content/", new Fault.Dropped(10), new AtomicInteger(2), new AtomicInteger(ALWAYS)));
        assertThatThrownBy(() -> fetch(HubKind.HUGGING_FACE, "org/m:")).isInstanceOf(HubException.class);
        Fetcher fetcher = new Fetcher(
                new HubProtocol.HuggingFace(),
                new HubHttp(
                        new HubProtocol.HuggingFace().credentials(HubKind.HUGGING_FACE, fake.site(), null),
                        HttpSettings.DEFAULT),
                new Fetcher.Settings(4, TestHubs.CHUNK),
                new ModelRoots(base(), temporary.resolve("none")));
        long missing = fetcher.missingBytes(repository, place, null, List.of(file));
        assertThat(missing).isPositive().isLessThanOrEqualTo(WEIGHTS.length - TestHubs.CHUNK);
        assertThat(missing).isGreaterThan(WEIGHTS.length - 3L * TestHubs.CHUNK);
        assertThatThrownBy(() -> Fetcher.requireSpace(repository, new ModelFolder(base()), 3 << 20, 2 << 20))
                .hasMessageContaining("needs 3 MB more, and " + base() + " has 2 MB left");
        fetcher.http().close();
    }

    @Test
    void circlesOfRedirectsEnd() throws IOException {
        fake.fail(Fault.of("/resolve/", new Fault.Status(302, Map.of("Location", "/org/m/resolve/x/y"), ""), ALWAYS));
        failsWith("redirects more than 5 times");
    }

    @Test
    void aHubThatIsNotThereIsTold() {
        URI nowhere = URI.create("http://127.0.0.1:1");
        try (Hub hub = Hub.open(TestHubs.settings(HubKind.MODELSCOPE, nowhere, base(), null))) {
            HubReference reference = HubReference.parse("model", "org/m:");
            assertThatThrownBy(() -> hub.fetch(reference, Fetcher.Listener.NONE))
                    .hasMessageStartingWith("http://127.0.0.1:1/org/m: 127.0.0.1:1 cannot be reached");
        }
    }

    @Test
    void modelScopesOwnRefusalIsTold() {
        fake.fail(Fault.of(
                "/repo/files",
                new Fault.Status(200, Map.of(), "{\"Code\": 10010, \"Success\": false, \"Message\": \"not today\"}"),
                ALWAYS));
        fake.repository("org/m").put("w.safetensors", WEIGHTS);
        assertThatThrownBy(() -> fetch(HubKind.MODELSCOPE, "org/m:"))
                .hasMessageContaining("the hub refuses the request (10010): not today");
    }
}
