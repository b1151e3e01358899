package io.stencil.hub.fetch;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.hub.testing.FakeHub;
import io.stencil.hub.testing.Fault;
import io.stencil.hub.testing.FetchMain;
import io.stencil.hub.testing.TestHubs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A download that is killed again and again ends with the right file, and costs little more than one that is not.
class KilledFetchTest {

    private static final int KILLS = 20;
    private static final byte[] WEIGHTS = TestHubs.content(2_000_000, 5);

    @TempDir
    private Path base;

    @Test
    @Timeout(120)
    void twentyKillsAndTheRightFile() throws IOException, InterruptedException {
        Random random = new Random(11);
        try (FakeHub fake = new FakeHub()) {
            fake.repository("org/m").put("w.safetensors", WEIGHTS);
            fake.fail(Fault.of("/content/", new Fault.Slow(1500, 2), 1_000_000));
            Path target = base.resolve("org/m/w.safetensors");
            for (int kill = 0; kill < KILLS; kill++) {
                long until = fake.served() + random.nextInt(1, 90_000);
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
            Process last = start(fake, base);
            assertThat(last.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(last.exitValue()).isZero();
            assertThat(Files.readAllBytes(target)).isEqualTo(WEIGHTS);
            assertThat(FetchTest.visible(base.resolve("org/m"))).containsExactly("w.safetensors");
            // Only ranges that were on their way are fetched twice: at most one a connection and kill.
            assertThat(fake.served()).isLessThan(WEIGHTS.length + (long) KILLS * 4 * TestHubs.CHUNK);
        }
    }

    @Test
    @Timeout(120)
    void processesThatWantTheSameFileWaitForOne() throws IOException, InterruptedException {
        try (FakeHub fake = new FakeHub()) {
            fake.repository("org/m").put("w.safetensors", WEIGHTS);
            fake.fail(Fault.of("/content/", new Fault.Slow(4000, 10), 1_000_000));
            List<Process> processes = List.of(start(fake, base), start(fake, base), start(fake, base));
            for (Process process : processes) {
                assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
                assertThat(process.exitValue()).isZero();
            }
            assertThat(Files.readAllBytes(base.resolve("org/m/w.safetensors"))).isEqualTo(WEIGHTS);
            assertThat(fake.served()).isEqualTo(WEIGHTS.length);
        }
    }

    private static Process start(FakeHub fake, Path base) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        FetchMain.class.getName(),
                        fake.site().toString(),
                        base.toString(),
                        "org/m:w.safetensors")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
    }
}
