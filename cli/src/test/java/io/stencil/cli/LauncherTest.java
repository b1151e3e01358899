package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The script `stencil`, in a tree that is built and whose Java tells what it was started with.
class LauncherTest {

    @TempDir
    private Path root;

    @BeforeEach
    void build() throws IOException {
        script("stencil", Files.readString(TestFiles.root().resolve("stencil")));
        script("scripts/find-jdk", "#!/bin/sh\necho '%s'\n".formatted(root.resolve("jdk")));
        script("jdk/bin/java", "#!/bin/sh\necho \"$OMP_WAIT_POLICY\"\nfor last; do :; done\necho \"$last\"\n");
        Files.createDirectories(root.resolve("cli/src/main"));
        Files.createFile(root.resolve("pom.xml"));
        Files.createFile(root.resolve("cli/pom.xml"));
        Files.createDirectory(root.resolve("cli/target"));
        Files.writeString(root.resolve("cli/target/stencil.classpath"), root.toRealPath() + "/some.jar");
        Files.createDirectory(root.resolve("target"));
        Files.createFile(root.resolve("target/stencil.aot")); // none could be made
    }

    private void script(String name, String text) throws IOException {
        Path file = root.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }

    private String run(String policy) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(
                        root.toRealPath().resolve("stencil").toString(), "two words")
                .redirectErrorStream(true);
        builder.environment().remove("OMP_WAIT_POLICY");
        if (!policy.isEmpty()) {
            builder.environment().put("OMP_WAIT_POLICY", policy);
        }
        Process process = builder.start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(out).isZero();
        return out;
    }

    @Test
    void threadsThatWaitSleepUnlessTheUserWantsOtherwise() throws IOException, InterruptedException {
        assertThat(run("")).isEqualTo("PASSIVE\ntwo words\n");
        assertThat(run("ACTIVE")).isEqualTo("ACTIVE\ntwo words\n");
    }

    /// An archive of classes is made once, and used; where Java writes none it is not tried again.
    @Test
    void anArchiveOfClassesIsMadeOnceAndUsed() throws IOException, InterruptedException {
        script("jdk/bin/java", """
                #!/bin/sh
                for word; do case $word in
                    -XX:AOTCacheOutput=*) echo made >>'%1$s/made'; [ -e '%1$s/broken' ] || echo classes >"${word#*=}" ;;
                    -XX:AOTCache=*) cat "${word#*=}" ;;
                esac; done
                """.formatted(root));
        Files.delete(root.resolve("target/stencil.aot"));
        assertThat(run("")).contains("archiving classes").endsWith("classes\n");
        assertThat(run("")).isEqualTo("classes\n");
        assertThat(root.resolve("made")).hasContent("made");

        Files.delete(root.resolve("target/stencil.aot"));
        Files.createFile(root.resolve("broken"));
        assertThat(run("")).contains("archiving classes").doesNotContain("\nclasses");
        assertThat(run("")).isEmpty();
        assertThat(root.resolve("made")).hasContent("made\nmade");
    }

    private String locale(Map<String, String> environment) throws IOException, InterruptedException {
        script("jdk/bin/java", "#!/bin/sh\necho \"${LC_ALL-} ${LC_CTYPE-} ${LANG-}\"\n");
        ProcessBuilder builder =
                new ProcessBuilder(root.toRealPath().resolve("stencil").toString(), "words").redirectErrorStream(true);
        List.of("LC_ALL", "LC_CTYPE", "LANG").forEach(builder.environment()::remove);
        builder.environment().putAll(environment);
        Process process = builder.start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(out).isZero();
        return out;
    }

    @Test
    void fileNamesAreInUtf8WhereTheLocaleHasAsciiAlone() throws IOException, InterruptedException {
        assertThat(locale(Map.of())).isEqualTo(" C.UTF-8 \n");
        assertThat(locale(Map.of("LC_ALL", "C"))).isEqualTo("C.UTF-8  \n");
        assertThat(locale(Map.of("LC_ALL", "POSIX", "LANG", "C"))).isEqualTo("C.UTF-8  C\n");
        assertThat(locale(Map.of("LANG", "xx_YY.UTF-8"))).isEqualTo(" C.UTF-8 xx_YY.UTF-8\n");
    }

    @Test
    void aUtf8LocaleStaysAsItIs() throws IOException, InterruptedException {
        assertThat(locale(Map.of("LANG", "C.UTF-8"))).isEqualTo("  C.UTF-8\n");
    }
}
