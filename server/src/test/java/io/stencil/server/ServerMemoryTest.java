package io.stencil.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.ResidentMemory;
import java.util.Locale;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("memory")
class ServerMemoryTest {

    private static final String GENERATIONS = "/v1/images/generations";

    @Test
    void memoryStaysFlat() throws Exception {
        measureMemory(150, 50);
    }

    @Test
    @Tag("soak")
    void memoryStaysFlatOverManyRequests() throws Exception {
        measureMemory(2000, 500);
    }

    /// @param warm number of requests after which memory may not grow any more
    private static void measureMemory(int count, int warm) throws Exception {
        try (TestServer server = TestServer.start(
                // each prompt is a new one: what is kept of prompts has to reach its bound before memory is measured
                builder -> builder.keptJobs(8)
                        .cacheBytes(1 << 20)
                        .template("brightness", TestServer.example("brightness")),
                settings -> settings)) {
            long before = 0;
            for (int i = 0; i < count; i++) {
                if (i == warm) {
                    System.gc();
                    before = ResidentMemory.nativeBytes();
                }
                TestServer.json(200, server.post(GENERATIONS, """
                        {"prompt": "a red circle %s", "size": "64x64", "n": %s, "stencil": {"steps": 2, "guidance": 2,
                         "templates": [{"name": "brightness", "inputs": {"scale": 0.%s}}]}}""".formatted(i, 1 + i % 2, i % 10)));
            }
            System.gc();
            long growth = ResidentMemory.nativeBytes() - before;
            System.out.printf(Locale.ROOT, "%d requests: native resident %+.1f MB%n", count - warm, growth / 1e6);
            assertThat(growth).as("bytes of %s", ResidentMemory.nativeBytes()).isLessThan(24 << 20);
        }
    }
}
