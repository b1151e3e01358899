package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.TestFiles;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/// The real command line as a process of its own.
///
/// @param log folder in which its outputs are kept while it runs
record StencilProcess(Process process, Path log) {

    private static final long TIMEOUT_MINUTES = 20;
    private static final List<String> JAVA = List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Xmx1g",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xlog:aot*=off",
            "-Dstencil.root=" + TestFiles.root());
    private static final List<String> MAIN = List.of("-cp", classPath(), StencilCommand.class.getName());

    /// Starts `stencil` with these words.
    ///
    /// @param folder working directory
    static StencilProcess start(Path folder, String... words) throws IOException {
        return start(folder, Map.of(), words);
    }

    /// Starts `stencil` with these words.
    ///
    /// @param environment variables that it gets beside those of this process
    static StencilProcess start(Path folder, Map<String, String> environment, String... words) throws IOException {
        List<String> command = new ArrayList<>(JAVA);
        ClassArchive.option().ifPresent(command::add);
        command.addAll(MAIN);
        command.addAll(List.of(words));
        Path log = Files.createTempDirectory("stencil-it");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectOutput(log.resolve("out").toFile())
                .redirectError(log.resolve("err").toFile());
        builder.environment().putAll(environment);
        return new StencilProcess(builder.start(), log);
    }

    /// Runs `stencil` to its end.
    static StencilRun run(Path folder, String... words) throws IOException, InterruptedException {
        return start(folder, words).await();
    }

    /// Sends SIGINT, as Ctrl-C does.
    void interrupt() throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
    }

    /// What it printed so far on standard error.
    String errorsSoFar() throws IOException {
        return Files.readString(log.resolve("err"), StandardCharsets.UTF_8);
    }

    /// What it printed so far on standard output.
    String outputSoFar() throws IOException {
        return Files.readString(log.resolve("out"), StandardCharsets.UTF_8);
    }

    StencilRun await() throws IOException, InterruptedException {
        try {
            assertThat(process.waitFor(TIMEOUT_MINUTES, TimeUnit.MINUTES))
                    .as("stencil ended in time")
                    .isTrue();
            return new StencilRun(process.exitValue(), Files.readString(log.resolve("out")), errorsSoFar());
        } finally {
            process.destroyForcibly();
            Files.deleteIfExists(log.resolve("out"));
            Files.deleteIfExists(log.resolve("err"));
            Files.deleteIfExists(log);
        }
    }

    /// The jars alone where this module has become one: an archive of classes has none of a folder.
    private static String classPath() {
        String all = System.getProperty("java.class.path");
        return ClassArchive.isPossible()
                ? Arrays.stream(all.split(File.pathSeparator))
                        .filter(entry -> entry.endsWith(".jar"))
                        .collect(Collectors.joining(File.pathSeparator))
                : all;
    }

    /// The JDK's archive of the classes that processes load, with which each starts in two thirds of the time. The
    /// tests of one build share it.
    private static final class ClassArchive {
        private static final Path FILE = TestFiles.root().resolve("cli/target/it-classes.aot");
        private static boolean current;

        static boolean isPossible() {
            return jar().getFileName().toString().endsWith(".jar");
        }

        private static Path jar() {
            return Path.of(URI.create(StencilCommand.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toString()));
        }

        static synchronized Optional<String> option() throws IOException {
            if (!isPossible()) {
                return Optional.empty();
            }
            if (!current) {
                try (FileChannel lock = FileChannel.open(
                                Path.of(FILE + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                        FileLock _ = lock.lock()) {
                    if (!Files.exists(FILE)
                            || Files.getLastModifiedTime(FILE).compareTo(Files.getLastModifiedTime(jar())) < 0) {
                        write();
                    }
                }
                current = true;
            }
            return Optional.of("-XX:AOTCache=" + FILE);
        }

        /// Of a training that also generates: with the compiler, which takes half of such a start.
        private static void write() throws IOException {
            Path folder = Files.createTempDirectory("stencil-archive");
            TrainingFolder training = TrainingFolder.make(folder);
            Path samples = Files.writeString(
                    folder.resolve("samples.jsonl"),
                    "{\"prompt\": \"a wall\", \"num_inference_steps\": 1, \"height\": 32, \"width\": 32}");
            List<String> command = new ArrayList<>(JAVA);
            command.add("-XX:AOTCacheOutput=" + folder.resolve("classes"));
            command.addAll(MAIN);
            command.addAll(List.of(training.words("--max_steps=1", "--sample_steps=1", "--samples=" + samples)));
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(folder.resolve("classes")).as(output).exists();
            Files.move(folder.resolve("classes"), FILE, StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
