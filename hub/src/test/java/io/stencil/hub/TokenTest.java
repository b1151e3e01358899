package io.stencil.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.StencilException;
import io.stencil.hub.fetch.FetchListener;
import io.stencil.hub.protocol.HubKind;
import io.stencil.hub.protocol.HubReference;
import io.stencil.hub.protocol.RepositoryId;
import io.stencil.hub.testing.FakeHub;
import io.stencil.hub.testing.Fault;
import io.stencil.hub.testing.TestHubs;
import io.stencil.hub.upload.UploadListener;
import io.stencil.hub.upload.UploadPlan;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
            Path folder = hub.fetch(HubReference.parse("model", "org/m:"), FetchListener.NONE)
                    .folder();
            hub.upload(
                    new UploadPlan(
                            hub.repository(RepositoryId.parse("ID", "me/m")), "main", folder, "m", true, null, false),
                    UploadListener.NONE);
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
            // This hub repeats in its answer what it was told.
            fake.requireToken("another");
            assertThatThrownBy(() -> hub.fetch(HubReference.parse("model", "org/m:"), FetchListener.NONE))
                    .hasMessageContaining("(401: Invalid credentials: Bearer [token]")
                    .satisfies(fault -> assertThat(trace(fault)).doesNotContain(SECRET));
            fake.requireToken(SECRET);
            for (int status : new int[] {400, 403, 404, 429, 500}) {
                fake.fail(Fault.of("/api/", new Fault.Status(status, Map.of(), "no, " + SECRET), 100));
                assertThatThrownBy(() -> hub.fetch(HubReference.parse("model", "org/m:"), FetchListener.NONE))
                        .satisfies(fault -> assertThat(trace(fault)).doesNotContain(SECRET));
                fake.heal();
            }
        }
        requireNowhere();
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
        assertThat(face.base()).isEqualTo(Path.of("/data/models"));
        assertThat(face.offline()).isTrue();
        assertThat(face.cache().root()).isEqualTo(Path.of("/data/hf"));
        assertThat(settings(Map.of()).base()).isEqualTo(temporary.resolve(".cache/stencil/models"));
        assertThatThrownBy(() -> settings(Map.of("DIFFSYNTH_DOWNLOAD_SOURCE", "github")))
                .hasMessage("'DIFFSYNTH_DOWNLOAD_SOURCE': 'github' is no hub that is known; expected one of modelscope,"
                        + " modelscope-ai, huggingface");
        assertThatThrownBy(() -> settings(Map.of("DIFFSYNTH_SKIP_DOWNLOAD", "maybe")))
                .hasMessageContaining("must be true or false");
        assertThatThrownBy(() -> settings(Map.of("MODELSCOPE_ENDPOINT", "ftp://x")))
                .hasMessageContaining("'MODELSCOPE_ENDPOINT': is no address of a hub");
    }

    private HubSettings settings(Map<String, String> environment) {
        return HubSettings.of(HubSettings.Choices.NONE, environment, temporary);
    }
}
