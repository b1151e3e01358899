package io.stencil.hub.download;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.files.AtomicFile;
import io.stencil.hub.provider.Listing.Checksum;
import io.stencil.hub.provider.Listing.RemoteFile;
import io.stencil.hub.testing.FakeHub;
import io.stencil.hub.testing.FakeRepository;
import io.stencil.hub.testing.Fault;
import io.stencil.hub.testing.FetchMain;
import io.stencil.hub.testing.TestHubs;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A download that is killed again and again ends with the right file, costs little more than one that is not, and
/// shows nobody a part of a file.
class KilledFetchTest {

    private static final int KILLS = 6;
    private static final int KILLS_AT_ANY_TIME = 12;
    private static final byte[] WEIGHTS = TestHubs.content(2_000_000, 5);

    @TempDir
    private Path base;

    @Test
    @Timeout(1800)
    void whatCameBeforeAKillIsNotFetchedAgain() throws IOException, InterruptedException {
        Random random = new Random(11);
        try (FakeHub fake = new FakeHub()) {
            fake.repository("org/m").put("w.safetensors", WEIGHTS);
            fake.fail(Fault.of("/content/", new Fault.Slow(1500, 2), 1_000_000));
            Path target = base.resolve("org/m/w.safetensors");
            for (int kill = 0; kill < KILLS; kill++) {
                long until = fake.served() + random.nextInt(1, 220_000);
                fake.holdAt(until); // it is not done before it is killed
                Process process = start(fake, base);
                while (fake.served() < until && process.isAlive()) {
                    assertThat(target).doesNotExist();
                    Thread.sleep(1);
                }
                assertThat(process.isAlive()).as("still fetching when killed").isTrue();
                process.destroyForcibly().waitFor();
                assertThat(target).doesNotExist();
            }
            fake.heal();
            fake.holdAt(Long.MAX_VALUE);
            Process last = start(fake, base);
            assertThat(last.waitFor(900, TimeUnit.SECONDS)).isTrue();
            assertThat(last.exitValue()).isZero();
            assertThat(Files.readAllBytes(target)).isEqualTo(WEIGHTS);
            assertThat(FetchTest.visible(base.resolve("org/m"))).containsExactly("w.safetensors");
            // Only ranges that were on their way are fetched twice: at most one a connection and kill.
            assertThat(fake.served()).isLessThan(WEIGHTS.length + (long) KILLS * 4 * TestHubs.CHUNK);
        }
    }

    /// All of the file is one range here: each run goes on behind what the one before left of it.
    @Test
    @Timeout(1800)
    void whatCameOfARangeBeforeAKillIsKept() throws IOException, InterruptedException {
        try (FakeHub fake = new FakeHub()) {
            fake.repository("org/m").put("w.safetensors", WEIGHTS);
            Path target = base.resolve("org/m/w.safetensors");
            RemoteFile file = new RemoteFile(
                    "w.safetensors", WEIGHTS.length, new Checksum.Sha256(FakeRepository.sha256(WEIGHTS)), true);
            Path partial = new ModelFolder(base.resolve("org/m")).partial(file, null);
            fake.fail(Fault.of("/content/", new Fault.Slow(1500, 0), 1_000_000));
            List<String> begins = new ArrayList<>(List.of("bytes=0-"));
            long there = 0;
            for (int kill = 0; kill < 3; kill++) {
                fake.holdAt(fake.served() + 400_000);
                Process process = start(fake, base, WEIGHTS.length);
                while (PartialFile.bytesIn(partial, WEIGHTS.length, WEIGHTS.length) < there + 300_000) {
                    assertThat(process.isAlive()).as("still fetching").isTrue();
                    Thread.sleep(1);
                }
                process.destroyForcibly().waitFor();
                assertThat(target).doesNotExist();
                there = PartialFile.bytesIn(partial, WEIGHTS.length, WEIGHTS.length);
                begins.add("bytes=%s-".formatted(there));
            }
            fake.holdAt(Long.MAX_VALUE);
            Process last = start(fake, base, WEIGHTS.length);
            assertThat(last.waitFor(900, TimeUnit.SECONDS)).isTrue();
            assertThat(last.exitValue()).isZero();
            assertThat(Files.readAllBytes(target)).isEqualTo(WEIGHTS);
            // To the hub and, behind its redirect, to the storage.
            assertThat(fake.headers("Range").stream().distinct())
                    .containsExactlyElementsOf(begins.stream()
                            .map(begin -> begin + (WEIGHTS.length - 1))
                            .toList());
        }
    }

    /// The kills fall anywhere between the start of the process and after its end, and in every moment the place holds
    /// the old file, the new one, or none.
    @Test
    @Timeout(1800)
    void noKillLeavesPartOfAFileUnderItsName() throws IOException, InterruptedException {
        byte[] older = TestHubs.content(12_000_000, 6);
        byte[] newer = TestHubs.content(16_000_000, 7);
        long seed = System.nanoTime();
        System.out.println("kills at the times of seed " + seed);
        Random random = new Random(seed);
        Path target = base.resolve("org/m/w.safetensors");
        try (FakeHub fake = new FakeHub();
                PlaceWatch watch = new PlaceWatch(target, older, newer)) {
            fake.repository("org/m").put("w.safetensors", newer);
            long whole = 0;
            for (int kill = -1; kill < KILLS_AT_ANY_TIME; kill++) {
                if (Files.notExists(target) || Files.size(target) == newer.length) {
                    Files.createDirectories(base.resolve("org/m"));
                    AtomicFile.write(target, channel -> channel.write(ByteBuffer.wrap(older)));
                }
                long begin = System.nanoTime();
                Process process = start(fake, base, 4 << 20);
                if (kill < 0) { // the first one measures how long it takes
                    assertThat(process.waitFor(900, TimeUnit.SECONDS)).isTrue();
                    assertThat(process.exitValue()).isZero();
                    whole = System.nanoTime() - begin;
                    assertThat(Files.readAllBytes(target)).isEqualTo(newer);
                } else {
                    process.waitFor(random.nextLong(whole + whole / 5), TimeUnit.NANOSECONDS);
                }
                process.destroyForcibly().waitFor();
                watch.look();
                assertThat(watch.faults()).as("seed %s, kill %s", seed, kill).isEmpty();
            }
            Process last = start(fake, base, 4 << 20);
            assertThat(last.waitFor(900, TimeUnit.SECONDS)).isTrue();
            assertThat(Files.readAllBytes(target)).isEqualTo(newer);
            assertThat(watch.faults()).as("seed %s", seed).isEmpty();
            assertThat(FetchTest.visible(base.resolve("org/m"))).containsExactly("w.safetensors");
        }
    }

    @Test
    @Timeout(1800)
    void processesThatWantTheSameFileWaitForOne() throws IOException, InterruptedException {
        try (FakeHub fake = new FakeHub()) {
            fake.repository("org/m").put("w.safetensors", WEIGHTS);
            fake.fail(Fault.of("/content/", new Fault.Slow(4000, 10), 1_000_000));
            List<Process> processes = List.of(start(fake, base), start(fake, base), start(fake, base));
            for (Process process : processes) {
                assertThat(process.waitFor(900, TimeUnit.SECONDS)).isTrue();
                assertThat(process.exitValue()).isZero();
            }
            assertThat(Files.readAllBytes(base.resolve("org/m/w.safetensors"))).isEqualTo(WEIGHTS);
            assertThat(fake.served()).isEqualTo(WEIGHTS.length);
        }
    }

    private static Process start(FakeHub fake, Path base) throws IOException {
        return start(fake, base, TestHubs.CHUNK);
    }

    private static Process start(FakeHub fake, Path base, long chunkBytes) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        FetchMain.class.getName(),
                        fake.site().toString(),
                        base.toString(),
                        "org/m:w.safetensors",
                        Long.toString(chunkBytes))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
    }
}
