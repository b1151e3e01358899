package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Commands in locales with digits of their own, and in those whose file names are in ASCII.
class LocaleIT {

    private static final String NAME = "café ☕ 猫.png";

    @TempDir
    private Path temporary;

    private StencilRun run(Map<String, String> environment, String... words) throws IOException, InterruptedException {
        return StencilProcess.start(temporary, environment, words).await();
    }

    private static Map<String, String> language(String language, String country, String digits) {
        return Map.of(
                "JDK_JAVA_OPTIONS",
                "-Duser.language=%s -Duser.country=%s -Duser.extensions=nu-%s".formatted(language, country, digits));
    }

    /// Each process reads what one of another locale wrote.
    @Test
    void filesAreTheSameWhateverTheDigitsOfTheLocale() throws IOException, InterruptedException {
        TrainingFolder training = TrainingFolder.make(temporary);
        String[] whole = training.words("--max_steps=2", "--save_steps=1", "--enable_csv_log");
        run(language("ar", "EG", "arab"), whole).succeeded();
        Path output = training.output();
        byte[] weights = Files.readAllBytes(output.resolve("checkpoints/step-2.safetensors"));
        List<String> steps = steps(output);
        assertThat(steps).hasSize(3).allMatch(line -> line.matches("\\p{ASCII}+"));
        Files.delete(output.resolve("checkpoints/step-2.safetensors"));
        Path state = output.resolve("checkpoints/step-2.state");
        for (String name : StencilRun.content(state).reversed()) {
            Files.delete(state.resolve(name));
        }
        Files.delete(state);

        run(
                        language("fa", "IR", "arabext"),
                        training.words(
                                "--max_steps=2",
                                "--save_steps=1",
                                "--enable_csv_log",
                                "--output_path=",
                                "--resume=" + output))
                .succeeded();

        assertThat(output.resolve("checkpoints/step-2.safetensors")).hasBinaryContent(weights);
        assertThat(steps(output)).isEqualTo(steps);

        String cache = temporary.resolve("cache").toString();
        run(language("bn", "BD", "beng"), training.words("--task=sft:data_process", "--output_path=" + cache))
                .succeeded();
        run(
                        language("ar", "EG", "arab"),
                        training.words(
                                "--task=sft:train",
                                "--dataset_base_path=" + cache,
                                "--dataset_metadata_path=",
                                "--height=",
                                "--width=",
                                "--max_steps=2",
                                "--output_path=split"))
                .succeeded();
        assertThat(temporary.resolve("split/checkpoints/step-2.safetensors")).hasBinaryContent(weights);
        assertThat(StencilRun.content(temporary)).allMatch(name -> name.matches("\\p{ASCII}+"));
    }

    /// Steps, epochs, losses and rates of the log; times are left out.
    private static List<String> steps(Path output) throws IOException {
        return Files.readAllLines(output.resolve("training_log.csv")).stream()
                .map(line -> line.substring(0, line.lastIndexOf(',')))
                .toList();
    }

    @Test
    void anyNameWorksInAUtf8Locale() throws IOException, InterruptedException {
        TrainingFolder training = withNameBeyondAscii();

        StencilRun run = run(Map.of("LC_ALL", "C.UTF-8"), training.words("--max_steps=1", "--output_path=", config()));

        assertThat(run.succeeded().out()).contains("wrote größe/checkpoints/step-1.safetensors");
    }

    @Test
    void aNameThatTheLocaleLacksIsToldWithTheRemedy() throws IOException, InterruptedException {
        TrainingFolder training = withNameBeyondAscii();

        run(Map.of("LC_ALL", "C"), training.words("--max_steps=1"))
                .failed(1, "metadata.jsonl:1: 'image'", NAME, "the locale (LC_ALL=C)", "set LC_ALL=C.UTF-8");
        run(Map.of("LC_ALL", "C"), training.words("--max_steps=1", "--output_path=", config()))
                .failed(2, "'größe' is not a path", "the locale (LC_ALL=C)", "set LC_ALL=C.UTF-8");
    }

    @Test
    void anArgumentThatTheLocaleCannotReadIsRefused() throws IOException, InterruptedException {
        assertThat(generate("C", "größe.png".getBytes(StandardCharsets.UTF_8)))
                .startsWith("stencil: '--output=gr")
                .endsWith(
                        "the locale (LC_ALL=C) cannot read the argument; set LC_ALL=C.UTF-8, or another UTF-8 locale of"
                                + " 'locale -a', in the environment\n");
        assertThat(generate("C.UTF-8", "café.png".getBytes(StandardCharsets.ISO_8859_1)))
                .isEqualTo("stencil: '--output=caf\uFFFD.png': the argument is not valid UTF-8; write it in UTF-8, and"
                        + " rename files whose names are not\n");
    }

    /// What `generate` prints; the shell hands its argument on byte by byte, whatever the locale of the tests.
    private String generate(String locale, byte[] output) throws IOException, InterruptedException {
        Path script = temporary.resolve("run.sh");
        try (OutputStream text = Files.newOutputStream(script)) {
            text.write("exec \"$@\" --output=".getBytes(StandardCharsets.US_ASCII));
            text.write(output);
        }
        ProcessBuilder shell = new ProcessBuilder(
                "sh",
                script.toString(),
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                StencilCommand.class.getName(),
                "generate");
        shell.environment().put("LC_ALL", locale);
        Process process = shell.redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isEqualTo(1);
        return said;
    }

    private String config() throws IOException {
        Path config = Files.writeString(temporary.resolve("config.yaml"), "output_path: größe\n");
        return "--config=" + config;
    }

    /// The shell makes the file, as the tests' own locale may lack the name.
    private TrainingFolder withNameBeyondAscii() throws IOException, InterruptedException {
        TrainingFolder training = TrainingFolder.make(temporary);
        Path script = Files.writeString(temporary.resolve("copy.sh"), "cp 0.png '%s'".formatted(NAME));
        Process copy = new ProcessBuilder("sh", script.toString())
                .directory(training.dataset().toFile())
                .start();
        assertThat(copy.waitFor()).isZero();
        training.write(TrainingFolder.row("\"" + NAME + "\"", "{\"scale\": 0.2}"));
        return training;
    }
}
