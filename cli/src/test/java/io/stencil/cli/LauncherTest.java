package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
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

    /// Else one takes away what the other reads, and leaves no archive for good.
    @Test
    void twoFirstStartsMakeOneArchive() throws IOException, InterruptedException {
        script("jdk/bin/java", """
                #!/bin/sh
                for word; do case $word in
                    -XX:AOTCacheOutput=*)
                        echo made >>'%1$s/made'
                        while ! [ -e '%1$s/go' ]; do sleep 0.05; done
                        echo classes >"${word#*=}" ;;
                    -XX:AOTCache=*) cat "${word#*=}" ;;
                esac; done
                """.formatted(root));
        Files.delete(root.resolve("target/stencil.aot"));
        List<String> outputs = new CopyOnWriteArrayList<>();
        List<Thread> starts = Stream.generate(() -> new Thread(() -> {
                    try {
                        outputs.add(run(""));
                    } catch (IOException | InterruptedException e) {
                        outputs.add(e.toString());
                    }
                }))
                .limit(2)
                .toList();
        starts.forEach(Thread::start);
        while (!Files.exists(root.resolve("made"))) {
            Thread.sleep(20);
        }
        Thread.sleep(300); // for the other to get as far
        Files.createFile(root.resolve("go"));
        for (Thread start : starts) {
            start.join();
        }
        assertThat(outputs)
                .containsExactlyInAnyOrder("archiving classes for quicker starts ...\nclasses\n", "classes\n");
        assertThat(root.resolve("made")).hasContent("made");
    }

    /// Prints its class path; as the Java of `NewerClasses` it makes a jar, unless that is to fail.
    private void javaWithNewerClasses() throws IOException {
        script("jdk/bin/java", """
                #!/bin/sh
                case $1 in */NewerClasses.java)
                    [ -e '%1$s/broken' ] && echo 'no class file: CAFED00D' >&2 && exit 1
                    echo "newer $2" >"$3" && exit ;;
                esac
                while [ $# -gt 0 ]; do
                    [ "$1" = -cp ] && echo "$2"
                    shift
                done
                """.formatted(root));
    }

    @Test
    void newerClassesAreThoseOfTheClassPath() throws IOException, InterruptedException {
        Path real = root.toRealPath();
        String path = real + "/some.jar:" + real + "/lib/picocli-shell-9.jar:" + real + "/lib/picocli-4.8.0.jar";
        Files.writeString(root.resolve("cli/target/stencil.classpath"), path);
        for (String stale : List.of("picocli.jar", "newer-picocli-4.7.7.jar")) {
            Files.createFile(root.resolve("target").resolve(stale));
        }
        javaWithNewerClasses();
        Files.delete(root.resolve("target/stencil.aot"));
        String expected =
                "%1$s/cli/target/stencil-cli.jar:%1$s/target/newer-picocli-4.8.0.jar:%2$s\n".formatted(real, path);
        assertThat(run("")).endsWith(expected);
        assertThat(run("")).isEqualTo(expected);
        assertThat(root.resolve("target/newer-picocli-4.8.0.jar"))
                .hasContent("newer " + real + "/lib/picocli-4.8.0.jar");

        Files.writeString(root.resolve("cli/target/stencil.classpath"), real + "/some.jar");
        assertThat(run("")).endsWith("%1$s/cli/target/stencil-cli.jar:%1$s/some.jar\n".formatted(real));
    }

    @Test
    void classesThatCannotBeRewrittenLeaveATrace() throws IOException, InterruptedException {
        Path real = root.toRealPath();
        Files.writeString(root.resolve("cli/target/stencil.classpath"), real + "/lib/picocli-4.8.0.jar");
        javaWithNewerClasses();
        Files.createFile(root.resolve("broken"));
        Files.delete(root.resolve("target/stencil.aot"));
        run("");
        assertThat(root.resolve("target/archive.log"))
                .content()
                .contains("no class file: CAFED00D\n", "/lib/picocli-4.8.0.jar\n");
        assertThat(root.resolve("target/newer-picocli-4.8.0.jar")).doesNotExist();
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
