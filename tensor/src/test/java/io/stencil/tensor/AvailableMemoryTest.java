package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AvailableMemoryTest {

    @TempDir
    private Path group;

    @Test
    void theLimitOfAContainerIsLessWhatIsInUseAndNoCache() throws IOException {
        Files.writeString(group.resolve("memory.max"), "8000000\n");
        Files.writeString(group.resolve("memory.current"), "5000000\n");
        Files.writeString(group.resolve("memory.stat"), "anon 1\ninactive_file 2000000\nactive_file 7\n");
        assertThat(AvailableMemory.ofContainer(group)).hasValue(5_000_000);
        Files.writeString(group.resolve("memory.current"), "20000000\n");
        assertThat(AvailableMemory.ofContainer(group)).hasValue(0);
    }

    @Test
    void aContainerWithoutALimitIsTheMachine() throws IOException {
        Files.writeString(group.resolve("memory.max"), "max\n");
        Files.writeString(group.resolve("memory.current"), "5000000\n");
        assertThat(AvailableMemory.ofContainer(group)).isEmpty();
        assertThat(AvailableMemory.ofContainer(group.resolve("none"))).isEmpty();
    }

    @Test
    void theMachineHasSomeAndOtherDevicesAreNotKnown() {
        assertThat(AvailableMemory.of(Device.CPU).orElseThrow()).isGreaterThan(1 << 20);
        assertThat(AvailableMemory.of(Device.META)).isEmpty();
    }
}
