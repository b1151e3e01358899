package io.stencil.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.StencilException;
import io.stencil.hub.download.Fetcher;
import io.stencil.hub.download.ModelRoots;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.provider.Repository;
import io.stencil.hub.testing.FakeHub;
import io.stencil.hub.testing.FakeRepository;
import io.stencil.hub.testing.Fault;
import io.stencil.hub.testing.TestHubs;
import io.stencil.hub.upload.UploadPlan;
import io.stencil.hub.upload.Uploader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A token goes to its hub and nowhere else.
class TokenTest {

    private static final String SECRET = "hf_verySecretToken123";

    @TempDir
    private Path temporary;

    private static String trace(Throwable fault) {
        StringWriter text = new StringWriter();
        fault.printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    private void requireNowhere() throws IOException {
        try (Stream<Path> files = Files.walk(temporary)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                assertThat(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1))
                        .as(file.toString())
                        .doesNotContain(SECRET);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void itOpensTheHubAndIsToldToNobodyElse(HubKind kind) throws IOException {
        try (FakeHub fake = new FakeHub();
                Hub hub = Hub.open(TestHubs.settings(kind, fake.site(), temporary.resolve("models"), SECRET))) {
            fake.requireToken(SECRET);
            fake.repository("org/m").put("w.safetensors", TestHubs.content(30_000, 1));
            Path folder = hub.fetch(HubReference.parse("model", "org/m:"), Fetcher.Listener.NONE)
                    .folder();
            hub.upload(
                    new UploadPlan(
                            hub.repository(Repository.Id.parse("ID", "me/m")), "main", folder, "m", true, null, false),
                    Uploader.Listener.NONE);
            assertThat(fake.storageAuthorizations()).isEmpty();
            assertThat(hub.settings().toString()).doesNotContain(SECRET);
        }
        requireNowhere();
    }

    @ParameterizedTest
    @EnumSource
    void noErrorTellsIt(HubKind kind) throws IOException {
        try (FakeHub fake = new FakeHub();
                Hub hub = Hub.open(TestHubs.settings(kind, fake.site(), temporary.resolve("models"), SECRET))) {
            // This hub repeats in its answer what it received.
            fake.requireToken("another");
            assertThatThrownBy(() -> hub.fetch(HubReference.parse("model", "org/m:"), Fetcher.Listener.NONE))
                    .hasMessageContaining("authentication failed (401: Invalid credentials: Bearer [token]")
                    .hasMessageContaining("renew it in %s or --hub_token_file", kind.tokenVariable())
                    .satisfies(fault -> assertThat(trace(fault)).doesNotContain(SECRET));
            fake.requireToken(SECRET);
            for (int status : new int[] {400, 403, 404, 429, 500}) {
                fake.fail(Fault.of("/api/", new Fault.Status(status, Map.of(), "no, " + SECRET), 100));
                assertThatThrownBy(() -> hub.fetch(HubReference.parse("model", "org/m:"), Fetcher.Listener.NONE))
                        .hasMessageContaining(status == 403 ? "access denied (403" : "(" + status)
                        .satisfies(fault -> assertThat(trace(fault)).doesNotContain(SECRET));
                fake.heal();
            }
        }
        requireNowhere();
    }

    private static Fault.Status says(int status, String text) {
        return new Fault.Status(status, Map.of("Content-Range", "bytes " + SECRET + "/1"), text);
    }

    /// Whatever a hub says, and wherever it says it: one line, and no part of the token.
    @ParameterizedTest
    @EnumSource
    void noWordOfTheHubTellsIt(HubKind kind) throws IOException {
        byte[] weights = TestHubs.content(30_000, 1);
        String refusal =
                "{\"Code\": \"%1$s\", \"Success\": false, \"Message\": \"no\\n%1$s\", \"error\": \"no\\n%1$s\"}"
                        .formatted(SECRET);
        String object = "{\"objects\": [{\"oid\": \"%s\", \"error\": {\"message\": \"no\\n%s\"}}]}"
                .formatted(FakeRepository.sha256(weights), SECRET);
        try (FakeHub fake = new FakeHub();
                Hub hub = Hub.open(TestHubs.settings(kind, fake.site(), temporary.resolve("models"), SECRET))) {
            fake.repository("org/m").put("w.safetensors", weights);
            Path folder = hub.fetch(HubReference.parse("model", "org/m:"), Fetcher.Listener.NONE)
                    .folder();
            fake.repository("org/m").put("w.safetensors", TestHubs.content(30_000, 2));
            for (Fault fault : List.of(
                    // A message that is shortened in the middle of the token, and a body that is read up to there.
                    Fault.of("/api/", says(400, "x".repeat(190) + SECRET), 100),
                    Fault.of("/api/", says(400, " ".repeat(4096 - 10) + SECRET), 100),
                    Fault.of("/api/", says(400, "one\n" + SECRET), 100),
                    Fault.of("/api/", says(200, SECRET + " is no JSON"), 100),
                    Fault.of("/api/", says(400, refusal), 100),
                    Fault.of("/api/", says(200, refusal), 100),
                    Fault.of("/content/", says(206, ""), 100),
                    Fault.of("/content/", says(200, "not the file, " + SECRET), 100),
                    Fault.of("/content/", says(200, " ".repeat(2048 - 10) + SECRET), 100),
                    Fault.of("/content/", new Fault.Instead(SECRET, "<html>" + SECRET, false), 100),
                    Fault.of("/content/", new Fault.Encoded(SECRET), 100),
                    Fault.of(
                            "/api/",
                            new Fault.Status(302, Map.of("Location", SECRET.replace('_', '-') + "://x"), ""),
                            9),
                    Fault.of("/api/", new Fault.Status(302, Map.of("Location", ":" + SECRET + " "), ""), 9))) {
                fake.fail(fault);
                assertThatThrownBy(() -> hub.fetch(HubReference.parse("model", "org/m:"), Fetcher.Listener.NONE))
                        .isInstanceOf(StencilException.class)
                        .satisfies(TokenTest::requireSafe);
                fake.heal();
            }
            fake.fail(Fault.of(
                    "/batch",
                    says(200, kind == HubKind.HUGGING_FACE ? object : "{\"Success\": true, \"Data\": " + object + "}"),
                    9));
            UploadPlan plan = new UploadPlan(
                    hub.repository(Repository.Id.parse("ID", "me/m")), "main", folder, "m", true, null, false);
            assertThatThrownBy(() -> hub.upload(plan, Uploader.Listener.NONE))
                    .hasMessageContaining("the hub does not take it: no [token]")
                    .satisfies(TokenTest::requireSafe);
        }
        requireNowhere();
    }

    /// As a file's hash, and in the address that an upload is to go to.
    @Test
    void anAddressOrHashThatRepeatsItIsTakenNowhere() throws IOException {
        Path folder = Files.createDirectories(temporary.resolve("folder"));
        Files.write(folder.resolve("w.safetensors"), TestHubs.content(30_000, 1));
        String list = "{\"Success\": true, \"Data\": {\"Files\": [{\"Path\": \"w.safetensors\", \"Type\": \"blob\","
                + " \"Size\": 5, \"Sha256\": \"" + SECRET + "\"}]}}";
        String object = "{\"Success\": true, \"Data\": {\"objects\": [{\"oid\": \""
                + FakeRepository.sha256(TestHubs.content(30_000, 1)) + "\", \"actions\": {\"upload\": {"
                + "\"href\": \"http://a b/" + SECRET + "\"}}}]}}";
        try (FakeHub fake = new FakeHub();
                Hub hub = Hub.open(
                        TestHubs.settings(HubKind.MODELSCOPE, fake.site(), temporary.resolve("models"), SECRET))) {
            fake.fail(Fault.of("/repo/files", says(200, list), 100));
            assertThatThrownBy(() -> hub.fetch(HubReference.parse("model", "org/m:"), Fetcher.Listener.NONE))
                    .hasMessageContaining("the hub names a file by the token")
                    .satisfies(TokenTest::requireSafe);
            fake.heal();
            fake.fail(Fault.of("/batch", says(200, object), 100));
            UploadPlan plan = new UploadPlan(
                    hub.repository(Repository.Id.parse("ID", "me/m")), "main", folder, "m", true, null, false);
            assertThatThrownBy(() -> hub.upload(plan, Uploader.Listener.NONE))
                    .hasMessageContaining("'w.safetensors': the hub gives no address to send it to")
                    .satisfies(TokenTest::requireSafe);
        }
        requireNowhere();
    }

    @Test
    void aFileThatIsNamedByItIsNotFetched() throws IOException {
        try (FakeHub fake = new FakeHub();
                Hub hub = Hub.open(
                        TestHubs.settings(HubKind.MODELSCOPE, fake.site(), temporary.resolve("models"), SECRET))) {
            fake.repository("org/m").put("a/" + SECRET + ".json", "{}");
            assertThatThrownBy(() -> hub.fetch(HubReference.parse("model", "org/m:"), Fetcher.Listener.NONE))
                    .hasMessageContaining("the hub names a file by the token")
                    .satisfies(TokenTest::requireSafe);
        }
        requireNowhere();
    }

    @Test
    void aHubThatTellsItInAnotherCaseTellsItToNobody() {
        try (FakeHub fake = new FakeHub();
                Hub hub = Hub.open(
                        TestHubs.settings(HubKind.HUGGING_FACE, fake.site(), temporary.resolve("models"), SECRET))) {
            fake.repository("org/m").put("w.safetensors", "weights");
            fake.fail(Fault.of("/api/", says(400, "no " + SECRET.toUpperCase(Locale.ROOT)), 9));
            assertThatThrownBy(() -> hub.fetch(HubReference.parse("model", "org/m:"), Fetcher.Listener.NONE))
                    .hasMessageContaining("(400: no [token])")
                    .satisfies(fault ->
                            assertThat(trace(fault).toLowerCase(Locale.ROOT)).doesNotContain("verysecret"));
        }
    }

    private static void requireSafe(Throwable fault) {
        assertThat(fault.getMessage()).doesNotContain("\n").doesNotContain(SECRET.substring(0, 6));
        assertThat(trace(fault)).doesNotContain(SECRET.substring(0, 6));
    }

    @Test
    void aFileThatHoldsItIsNotPublished() throws IOException {
        Path folder = Files.createDirectories(temporary.resolve("folder"));
        Files.writeString(folder.resolve("training_args.json"), " ".repeat((1 << 16) - 5) + SECRET);
        try (FakeHub fake = new FakeHub();
                Hub hub = Hub.open(
                        TestHubs.settings(HubKind.MODELSCOPE, fake.site(), temporary.resolve("models"), SECRET))) {
            UploadPlan plan = new UploadPlan(
                    hub.repository(Repository.Id.parse("ID", "me/m")), "master", folder, "m", true, null, false);
            assertThatThrownBy(() -> hub.upload(plan, Uploader.Listener.NONE))
                    .hasMessageContaining("training_args.json: holds the token of the hub and is not sent")
                    .satisfies(TokenTest::requireSafe);
            assertThat(fake.requests()).isEmpty();
        }
    }

    @Test
    void anEmptyPlaceIsTrulyEmpty() {
        HubSettings usual = settings(Map.of("HF_HUB_CACHE", "/data/hf", "MODELSCOPE_API_TOKEN", SECRET));
        HubSettings empty = usual.withEmptyFolder(temporary);
        assertThat(empty.roots().cache()).startsWithRaw(temporary).doesNotExist();
        assertThat(empty.token()).isSameAs(usual.token());
        assertThatThrownBy(() -> settings(Map.of("HF_HUB_OFFLINE", "1")).withEmptyFolder(temporary))
                .hasMessage("'offline': cannot be, where all is to be fetched anew; leave it out");
    }

    @Test
    void nothingIsPublishedOffline() throws IOException {
        HubSettings online = TestHubs.settings(HubKind.MODELSCOPE, URI.create("http://127.0.0.1:1"), temporary, SECRET);
        HubSettings offline = new HubSettings(
                online.hub(),
                online.site(),
                online.token(),
                new ModelRoots(temporary, online.roots().cache()),
                true,
                online.fetch(),
                online.http());
        try (Hub hub = Hub.open(offline)) {
            UploadPlan plan = new UploadPlan(
                    hub.repository(Repository.Id.parse("ID", "me/m")), "master", temporary, "m", true, null, true);
            assertThatThrownBy(() -> hub.upload(plan, Uploader.Listener.NONE))
                    .hasMessage("'upload': cannot be done offline");
        }
    }

    @Test
    void itIsReadFromTheEnvironmentAndFiles() throws IOException {
        Path file = Files.writeString(temporary.resolve("own"), SECRET + "\n");
        HubSettings own = HubSettings.of(
                new HubSettings.Choices("huggingface", file, null, false), Map.of("HF_TOKEN", "other"), temporary);
        assertThat(own.token()).isNotNull();
        assertThat(own.toString()).doesNotContain(SECRET);
        Files.createDirectories(temporary.resolve(".cache/huggingface"));
        Files.writeString(temporary.resolve(".cache/huggingface/token"), SECRET);
        HubSettings home =
                HubSettings.of(new HubSettings.Choices("huggingface", null, null, false), Map.of(), temporary);
        assertThat(home.token()).isNotNull();
        assertThatThrownBy(() -> HubSettings.of(
                        HubSettings.Choices.NONE, Map.of("MODELSCOPE_API_TOKEN", SECRET + " " + SECRET), temporary))
                .isInstanceOf(StencilException.class)
                .hasMessageStartingWith("'MODELSCOPE_API_TOKEN': holds no token")
                .satisfies(fault -> assertThat(trace(fault)).doesNotContain(SECRET));
    }

    @Test
    void itIsNotSentInTheOpen() {
        Map<String, String> open =
                Map.of("MODELSCOPE_ENDPOINT", "http://mirror.example", "MODELSCOPE_API_TOKEN", SECRET);
        assertThatThrownBy(() -> settings(open))
                .hasMessage(
                        "'hub': http://mirror.example is plain HTTP, over which no token is sent; use https, or no token");
        assertThat(settings(Map.of("MODELSCOPE_ENDPOINT", "http://mirror.example"))
                        .token())
                .isNull();
    }

    @Test
    void theEnvironmentChoosesTheHub() {
        assertThat(settings(Map.of()).site()).isEqualTo(URI.create("https://www.modelscope.cn"));
        assertThat(settings(Map.of("MODELSCOPE_ENDPOINT", "www.modelscope.ai/")).site())
                .isEqualTo(URI.create("https://www.modelscope.ai"));
        HubSettings face = settings(Map.of(
                "DIFFSYNTH_DOWNLOAD_SOURCE", "HuggingFace",
                "HF_ENDPOINT", "https://mirror.example",
                "DIFFSYNTH_MODEL_BASE_PATH", "/data/models",
                "DIFFSYNTH_SKIP_DOWNLOAD", "True",
                "HF_HUB_CACHE", "/data/hf"));
        assertThat(face.hub()).isEqualTo(HubKind.HUGGING_FACE);
        assertThat(face.site()).isEqualTo(URI.create("https://mirror.example"));
        assertThat(face.roots().base()).isEqualTo(Path.of("/data/models"));
        assertThat(face.offline()).isTrue();
        assertThat(face.roots().cache()).isEqualTo(Path.of("/data/hf"));
        assertThat(settings(Map.of()).roots().base()).isEqualTo(temporary.resolve(".cache/stencil/models"));
        assertThatThrownBy(() -> settings(Map.of("DIFFSYNTH_DOWNLOAD_SOURCE", "github")))
                .hasMessage("'DIFFSYNTH_DOWNLOAD_SOURCE': 'github' is not a known hub; expected one of modelscope,"
                        + " modelscope-ai, huggingface");
        assertThatThrownBy(() -> settings(Map.of("DIFFSYNTH_SKIP_DOWNLOAD", "maybe")))
                .hasMessageContaining("must be true or false");
        assertThatThrownBy(() -> settings(Map.of("MODELSCOPE_ENDPOINT", "ftp://x")))
                .hasMessageContaining("'MODELSCOPE_ENDPOINT': is not the URL of a hub");
    }

    /// Each site has repositories of its own, and the address of the one is none of the other.
    @Test
    void theInternationalSiteIsAHubOfItsOwn() {
        HubSettings settings = HubSettings.of(
                new HubSettings.Choices("modelscope-ai", null, null, false),
                Map.of("MODELSCOPE_ENDPOINT", "https://mirror.example", "MODELSCOPE_API_TOKEN", SECRET),
                temporary);
        assertThat(settings.hub()).isEqualTo(HubKind.MODELSCOPE_INTERNATIONAL);
        assertThat(settings.site()).isEqualTo(URI.create("https://www.modelscope.ai"));
        assertThat(settings.token()).isNotNull();
    }

    @Test
    void theCacheOfTheUserMayLieElsewhere() throws IOException {
        Path cache = temporary.resolve("xdg");
        Files.createDirectories(cache.resolve("huggingface"));
        Files.writeString(cache.resolve("huggingface/token"), SECRET);
        HubSettings settings =
                settings(Map.of("XDG_CACHE_HOME", cache.toString(), "DIFFSYNTH_DOWNLOAD_SOURCE", "huggingface"));
        assertThat(settings.roots().cache()).isEqualTo(cache.resolve("huggingface/hub"));
        assertThat(settings.roots().base()).isEqualTo(cache.resolve("stencil/models"));
        assertThat(settings.token()).isNotNull();
        assertThat(settings(Map.of("XDG_CACHE_HOME", cache.toString(), "HF_HOME", "/data/hf"))
                        .roots()
                        .cache())
                .isEqualTo(Path.of("/data/hf/hub"));
    }

    private HubSettings settings(Map<String, String> environment) {
        return HubSettings.of(HubSettings.Choices.NONE, environment, temporary);
    }
}
