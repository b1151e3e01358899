package io.stencil.hub.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.hub.Hub;
import io.stencil.hub.HubSettings;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.provider.Repository;
import io.stencil.hub.testing.Fault;
import io.stencil.hub.testing.TestHubs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Connections that break again and again: what came is kept, and the next request begins behind it.
class ContinuedFetchTest extends FakeHubFixture {

    private static final byte[] WEIGHTS = TestHubs.content(200_000, 1);
    private static final int ALWAYS = 1_000_000;

    private final List<Long> progress = Collections.synchronizedList(new ArrayList<>());

    /// The file is one range.
    private byte[] fetch(HubKind kind) throws IOException {
        fake.repository("org/m").put("w.safetensors", WEIGHTS);
        HubSettings usual = TestHubs.settings(kind, fake.site(), base(), null);
        try (Hub hub = Hub.open(TestHubs.with(usual, 1 << 20, usual.http()))) {
            Snapshot snapshot = hub.fetch(HubReference.parse("model", "org/m:"), new Fetcher.Listener() {
                @Override
                public void onProgress(Repository repository, int files, int allFiles, long bytes, long allBytes) {
                    progress.add(bytes);
                }
            });
            return Files.readAllBytes(snapshot.files().getFirst());
        }
    }

    /// Ten times the attempts that a request has.
    @ParameterizedTest
    @EnumSource
    void aConnectionThatBreaksAgainAndAgainMakesHeadway(HubKind kind) throws IOException {
        fake.fail(Fault.of("/content/", new Fault.Dropped(7_000), ALWAYS));
        assertThat(fetch(kind)).isEqualTo(WEIGHTS);
        List<String> requested = fake.headers("Range").stream().distinct().toList();
        assertThat(requested).hasSizeGreaterThan(10).allMatch(range -> range.endsWith("-199999"));
        long last = -1;
        for (String range : requested) {
            long begin = Long.parseLong(range.replaceAll("bytes=(\\d+)-.*", "$1"));
            assertThat(begin).as(requested.toString()).isGreaterThan(last);
            last = begin;
        }
        assertThat(progress.getLast()).isEqualTo(WEIGHTS.length);
    }

    /// Behind it another run goes on.
    @Test
    void whatCameBeforeTheLastAttemptIsKept() throws IOException {
        fake.fail(Fault.of("/content/", new Fault.Dropped(50_000), 2));
        fake.fail(Fault.of("/content/", new Fault.Dropped(0), ALWAYS));
        assertThatThrownBy(() -> fetch(HubKind.HUGGING_FACE))
                .hasMessageContaining("broke off")
                .hasMessageContaining("gave up after 3 attempts");
        fake.heal();
        int before = fake.headers("Range").size();
        String last = fake.headers("Range").getLast();
        assertThat(last).isNotEqualTo("bytes=0-199999");
        assertThat(fetch(HubKind.HUGGING_FACE)).isEqualTo(WEIGHTS);
        assertThat(fake.headers("Range").get(before)).isEqualTo(last);
    }

    /// The bytes of a wrong attempt are thrown away with the rest, once the hash says so.
    @Test
    void wrongBytesInTheMiddleAreOvercome() throws IOException {
        fake.fail(Fault.of("/content/", new Fault.Dropped(50_000), 1));
        fake.fail(Fault.of("/content/", new Fault.WrongBytes(), 1));
        assertThat(fetch(HubKind.HUGGING_FACE)).isEqualTo(WEIGHTS);
        assertThat(progress.getLast()).isEqualTo(WEIGHTS.length);
    }

    /// Nothing distinguishes one version from another there.
    @Test
    void aFileWithoutHashAndCommitBeginsAnew() throws IOException {
        fake.repository("org/m").hideCommits();
        fake.fail(Fault.of("/content/", new Fault.Dropped(50_000), 2));
        assertThat(fetch(HubKind.MODELSCOPE)).isEqualTo(WEIGHTS);
        assertThat(fake.headers("Range")).containsOnly("bytes=0-199999");
        fake.fail(Fault.of("/content/", new Fault.Dropped(50_000), ALWAYS));
        assertThatThrownBy(() -> fetch(HubKind.MODELSCOPE)).hasMessageContaining("gave up after 3 attempts");
    }

    /// It gives the file from its begin, whatever came before.
    @Test
    void aServerThatForgetsRangesServesToo() throws IOException {
        fake.fail(Fault.of("/content/", new Fault.Dropped(50_000), 1));
        fake.fail(Fault.of("/content/", new Fault.NoRanges(), ALWAYS));
        assertThat(fetch(HubKind.HUGGING_FACE)).isEqualTo(WEIGHTS);
        assertThat(progress.getLast()).isEqualTo(WEIGHTS.length);
    }

    /// A record of more bytes than a range has, or of another size, is none.
    @Test
    void aDamagedRecordIsNone() throws IOException {
        fake.fail(new Fault("/content/", new Fault.Dropped(50_000), new AtomicInteger(), new AtomicInteger(1)));
        fake.fail(Fault.of("/content/", new Fault.Dropped(0), ALWAYS));
        assertThatThrownBy(() -> fetch(HubKind.HUGGING_FACE)).hasMessageContaining("gave up");
        Path partials = temporary.resolve("models/org/m/.stencil/partial");
        try (var files = Files.list(partials)) {
            Path map = files.filter(file -> file.toString().endsWith(".map"))
                    .findFirst()
                    .orElseThrow();
            byte[] record = Files.readAllBytes(map);
            record[record.length - 6] = 1;
            Files.write(map, record);
        }
        fake.heal();
        int before = fake.headers("Range").size();
        assertThat(fetch(HubKind.HUGGING_FACE)).isEqualTo(WEIGHTS);
        assertThat(fake.headers("Range").get(before)).isEqualTo("bytes=0-199999");
    }
}
