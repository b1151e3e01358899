package io.stencil.hub.download;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.hub.testing.FakeHub;
import io.stencil.hub.testing.FetchMain;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A system whose locale is `C`, as in many containers: it cannot write names beyond ASCII.
class LocaleFetchTest {

    @TempDir
    private Path base;

    private String fetch(FakeHub fake, String reference, int exitCode) throws IOException, InterruptedException {
        ProcessBuilder java = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        FetchMain.class.getName(),
                        fake.site().toString(),
                        base.toString(),
                        reference)
                .redirectErrorStream(true);
        java.environment().put("LC_ALL", "C");
        Process process = java.start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isEqualTo(exitCode);
        return said;
    }

    @Test
    void aNameThatItCannotWriteIsToldAndIsInNobodysWay() throws IOException, InterruptedException {
        try (FakeHub fake = new FakeHub()) {
            fake.repository("org/m").put("config.json", "{}").put("\u8bf4\u660e.md", "read me");
            fetch(fake, "org/m:*.json", 0);
            assertThat(base.resolve("org/m/config.json")).exists();
            assertThat(fetch(fake, "org/m:", 1))
                    .contains(
                            "io.stencil.error.HubException: ",
                            "is a name that this system's locale cannot write (ANSI_X3.4-1968); set LC_ALL=C.UTF-8");
        }
    }

    /// Fetched where it could be written, gone from the repository, and requested where it cannot be.
    @Test
    void aNameThatItCannotWriteIsLeftAloneWhenItIsGone() throws IOException, InterruptedException {
        try (FakeHub fake = new FakeHub()) {
            fake.repository("org/m").put("config.json", "{}").put("\u8bf4\u660e.md", "read me");
            fetch(fake, "org/m:*.json", 0);
            Path record = base.resolve("org/m/.stencil/checked/of-another-locale.json");
            Files.writeString(record, "{\"path\": \"\u8bf4\u660e.md\"}");
            fake.repository("org/m").remove("\u8bf4\u660e.md");
            fetch(fake, "org/m:*.json", 0);
            assertThat(record).exists();
        }
    }
}
