package io.stencil.hub.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.HubException;
import io.stencil.hub.Hub;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.testing.FakeRepository;
import io.stencil.hub.testing.Fault;
import io.stencil.hub.testing.TestHubs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Answers of success with something else than the file: one request, one line that says what came.
class UnexpectedBodyTest extends FakeHubFixture {

    private static final byte[] WEIGHTS = TestHubs.content(60_000, 1);
    private static final int ALWAYS = 1_000_000;
    private static final String PAGE = "<!DOCTYPE html><html>login please</html>";
    private static final String POINTER =
            "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 60000\n".formatted("ab".repeat(32));

    private byte[] fetch(HubKind kind) throws IOException {
        fake.repository("org/m").put("w.safetensors", WEIGHTS);
        try (Hub hub = TestHubs.open(kind, fake, base())) {
            Snapshot snapshot = hub.fetch(HubReference.parse("model", "org/m:"), Fetcher.Listener.NONE);
            return Files.readAllBytes(snapshot.files().getFirst());
        }
    }

    private void isRefusedAtOnce(HubKind kind, String... parts) throws IOException {
        int before = fake.requests().size();
        assertThatThrownBy(() -> fetch(kind))
                .isInstanceOf(HubException.class)
                .hasMessageStartingWith(fake.site() + "/org/m: 'w.safetensors': ")
                .hasMessageContainingAll(parts)
                .hasMessageNotContainingAny("\n", "attempts", "broke off");
        assertThat(fake.requests().subList(before, fake.requests().size()))
                .filteredOn(request -> request.contains("/content/"))
                .hasSize(1);
        assertThat(FetchTest.visible(temporary.resolve("models/org/m"))).isEmpty();
    }

    private static Fault instead(String contentType, String content, boolean inRanges) {
        return Fault.of("/content/", new Fault.Instead(contentType, content, inRanges), ALWAYS);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "text/html | " + PAGE
                        + " | an HTML page (Content-Type 'text/html', 40 bytes, begins \"<!DOCTYPE html><html>login please</html>\") | captive portal",
                "application/json | {\"error\": \"no more today\"} | a JSON answer (Content-Type 'application/json', 26 bytes, begins \"{\"error\": \"no more today\"}\") | reports an error under a status of success",
                "text/plain | teapot | other content (Content-Type 'text/plain', 6 bytes, begins \"teapot\") | a proxy or mirror changes files",
                "text/plain | '' | an empty body (Content-Type 'text/plain', 0 bytes) | a proxy or mirror changes files"
            })
    void whatCameIsDescribed(String contentType, String body, String described, String remedy) throws IOException {
        fake.fail(instead(contentType, body, false));
        isRefusedAtOnce(
                HubKind.HUGGING_FACE,
                described + " came in place of the file, of which the hub lists 60000 bytes with sha256:"
                        + FakeRepository.sha256(WEIGHTS) + "; found sha256:"
                        + FakeRepository.sha256(body.getBytes(StandardCharsets.UTF_8))
                        + "; ",
                remedy);
        fake.heal();
        assertThat(fetch(HubKind.HUGGING_FACE)).isEqualTo(WEIGHTS);
    }

    /// As of a mirror that serves a checkout without Git LFS, and knows ranges.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aPointerOfGitLfsIsDescribed(boolean inRanges) throws IOException {
        fake.fail(instead("application/octet-stream", POINTER, inRanges));
        isRefusedAtOnce(
                HubKind.MODELSCOPE,
                "a Git LFS pointer (",
                "begins \"version https://git-lfs.github.com/spec/v1 oid sha256:ababab...\"",
                "this address does not resolve Git LFS files");
    }

    /// A page as long as the file: its hash, or for want of one its begin, says what it is.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aPageOfTheFilesLengthIsDescribed(boolean hidesHashes) throws IOException {
        String page = PAGE + " ".repeat(WEIGHTS.length - PAGE.length());
        if (hidesHashes) {
            fake.repository("org/m").hideHashes();
        }
        fake.fail(instead("text/html", page, true));
        assertThatThrownBy(() -> fetch(HubKind.MODELSCOPE))
                .hasMessageContaining("'w.safetensors': an HTML page (Content-Type 'text/html'");
        assertThat(FetchTest.visible(temporary.resolve("models/org/m"))).isEmpty();
        fake.heal();
        assertThat(fetch(HubKind.MODELSCOPE)).isEqualTo(WEIGHTS);
    }

    /// A page that comes when ranges are there already does not overwrite them.
    @Test
    void aPageInPlaceOfALaterRangeLosesNothing() throws IOException {
        fake.fail(new Fault(
                "/content/",
                new Fault.Instead("text/html", PAGE, false),
                new AtomicInteger(2),
                new AtomicInteger(ALWAYS)));
        assertThatThrownBy(() -> fetch(HubKind.HUGGING_FACE)).hasMessageContaining("an HTML page (Content-Type");
        long served = fake.served();
        fake.heal();
        assertThat(fetch(HubKind.HUGGING_FACE)).isEqualTo(WEIGHTS);
        assertThat(fake.served() - served).isLessThanOrEqualTo(WEIGHTS.length - TestHubs.CHUNK);
    }

    @Test
    void aPageInPlaceOfAListingIsDescribed() {
        fake.fail(Fault.of("/tree/", new Fault.Status(200, Map.of("Content-Type", "text/html"), PAGE), ALWAYS));
        assertThatThrownBy(() -> fetch(HubKind.HUGGING_FACE))
                .isInstanceOf(HubException.class)
                .hasMessage(
                        "%s/org/m: the hub's answer is not JSON but an HTML page (Content-Type 'text/html', 40 bytes, begins \"%s\"): a login page, captive portal or proxy answered in place of the hub: check the network, HTTPS_PROXY and the hub's address, and set HF_TOKEN where the repository is private",
                        fake.site(), PAGE);
        assertThat(fake.requests())
                .filteredOn(request -> request.contains("/tree/"))
                .hasSize(1);
    }

    /// Text may begin like a page, and is known by its hash.
    @Test
    void textMayBeHtml() throws IOException {
        fake.repository("org/m").put("README.md", PAGE);
        fetch(HubKind.HUGGING_FACE);
        assertThat(temporary.resolve("models/org/m/README.md")).hasContent(PAGE);
    }
}
