package io.stencil.hub.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.HubException;
import io.stencil.hub.Hub;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.testing.Fault;
import io.stencil.hub.testing.TestHubs;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Servers and caches that compress though nobody asked them to.
class EncodedFetchTest extends FakeHubFixture {

    private static final byte[] WEIGHTS = TestHubs.content(60_000, 1);
    private static final int ALWAYS = 1_000_000;

    private byte[] fetch(HubKind kind) throws IOException {
        fake.repository("org/m").put("w.safetensors", WEIGHTS).put("config.json", "{}");
        try (Hub hub = TestHubs.open(kind, fake, base())) {
            Snapshot snapshot = hub.fetch(HubReference.parse("model", "org/m:w.safetensors"), Fetcher.Listener.NONE);
            return Files.readAllBytes(snapshot.files().getFirst());
        }
    }

    private void isRefusedAtOnce(String place, String... parts) {
        assertThatThrownBy(() -> fetch(HubKind.HUGGING_FACE))
                .isInstanceOf(HubException.class)
                .hasMessageContainingAll(parts)
                .hasMessageNotContainingAny("attempts", "\n");
        assertThat(fake.requests())
                .filteredOn(request -> request.contains(place))
                .hasSize(1);
    }

    @ParameterizedTest
    @EnumSource
    void noCodingIsRequested(HubKind kind) throws IOException {
        assertThat(fetch(kind)).isEqualTo(WEIGHTS);
        assertThat(fake.headers("Accept-encoding"))
                .hasSameSizeAs(fake.requests())
                .containsOnly("identity");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gzip", "GZIP", "x-gzip"})
    void aGzippedFileIsDecoded(String coding) throws IOException {
        fake.fail(Fault.of("/content/", new Fault.Encoded(coding), ALWAYS));
        fake.fail(Fault.of("/resolve/", new Fault.Encoded(coding), ALWAYS));
        assertThat(fetch(HubKind.HUGGING_FACE)).isEqualTo(WEIGHTS);
        assertThat(temporary.resolve("models/org/m/config.json")).hasContent("{}");
    }

    /// The range is one of the compressed bytes, so that the whole file is requested instead.
    @ParameterizedTest
    @ValueSource(strings = {"gzip", "br"})
    void aRangeOfGzipDataIsNotTaken(String coding) throws IOException {
        fake.fail(Fault.of("/content/", new Fault.EncodedRange(coding), ALWAYS));
        if (coding.equals("gzip")) {
            assertThat(fetch(HubKind.HUGGING_FACE)).isEqualTo(WEIGHTS);
        } else {
            assertThatThrownBy(() -> fetch(HubKind.HUGGING_FACE))
                    .hasMessageContaining("'w.safetensors': the answer has Content-Encoding 'br'");
        }
    }

    @Test
    void aLaterRangeThatIsEncodedIsRefusedByName() {
        fake.fail(new Fault(
                "/content/", new Fault.EncodedRange("gzip"), new AtomicInteger(1), new AtomicInteger(ALWAYS)));
        // The hub's own address is tried once more, in case that of the storage is no longer good.
        assertThatThrownBy(() -> fetch(HubKind.HUGGING_FACE))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("'w.safetensors': the hub gives a range of the file with Content-Encoding 'gzip'")
                .hasMessageNotContaining("attempts");
    }

    @ParameterizedTest
    @ValueSource(strings = {"br", "zstd", "deflate", "gzip, gzip"})
    void aFileInAnotherCodingIsRefusedByName(String coding) {
        fake.fail(Fault.of("/content/", new Fault.Encoded(coding), ALWAYS));
        isRefusedAtOnce(
                "/content/",
                "'w.safetensors': the answer has Content-Encoding '%s', though 'identity' was requested"
                        .formatted(coding));
    }

    @Test
    void whatIsCalledGzipAndIsNotIsRefused() {
        fake.fail(Fault.of("/content/", new Fault.Status(200, Map.of("Content-Encoding", "gzip"), "plain"), ALWAYS));
        isRefusedAtOnce("/content/", "'w.safetensors': the answer has Content-Encoding 'gzip' but cannot be decoded");
    }

    /// The end of gzip data is not the end of a connection.
    @Test
    void gzipDataOfAnotherLengthIsRefused() {
        fake.repository("org/m").put("v.safetensors", TestHubs.content(200_000, 2));
        fake.fail(Fault.of("/content/", new Fault.Gzipped("x".repeat(150_000)), ALWAYS));
        assertThatThrownBy(() -> {
                    try (Hub hub = TestHubs.open(HubKind.HUGGING_FACE, fake, base())) {
                        hub.fetch(HubReference.parse("model", "org/m:v.safetensors"), Fetcher.Listener.NONE);
                    }
                })
                .isInstanceOf(HubException.class)
                .hasMessageEndingWith(
                        "'v.safetensors': has 150000 bytes in Content-Encoding 'gzip', the hub's listing says 200000");
    }

    @Test
    void anEmptyBodyIsEmptyInEachCoding() {
        fake.fail(Fault.of("/content/", new Fault.Status(200, Map.of("Content-Encoding", "gzip"), ""), ALWAYS));
        isRefusedAtOnce("/content/", "an empty body (0 bytes) came in place of the file");
    }

    @ParameterizedTest
    @EnumSource
    void aGzippedListingIsDecoded(HubKind kind) throws IOException {
        fake.fail(Fault.of("/tree/", new Fault.Encoded("gzip"), ALWAYS));
        fake.fail(Fault.of("/repo/files", new Fault.Encoded("gzip"), ALWAYS));
        assertThat(fetch(kind)).isEqualTo(WEIGHTS);
    }

    @Test
    void aListingInAnotherCodingIsRefusedByName() {
        fake.fail(Fault.of("/tree/", new Fault.Encoded("zstd"), ALWAYS));
        isRefusedAtOnce("/tree/", "/org/m: the answer has Content-Encoding 'zstd'");
    }

    @Test
    void aRefusalThatCannotBeDecodedIsToldByItsStatus() {
        fake.fail(Fault.of(
                "/tree/",
                new Fault.Status(403, Map.of("Content-Encoding", "br"), "\u0001\u0002not for people"),
                ALWAYS));
        isRefusedAtOnce(
                "/tree/",
                "authentication required (403); accept the model's terms on its page, and set HF_TOKEN or pass --hub_token_file");
    }
}
