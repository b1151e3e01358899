package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.image.RgbImageWriter;
import io.stencil.lab.world.Statistics;
import io.stencil.safetensors.SafetensorsHeader;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The worked examples of `docs/authoring.md`: each is shown as it is, steers, and trains in two stages as in one.
class AuthoringIT {

    private static final Path EXAMPLES = TestFiles.root().resolve("examples/authoring");
    private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @TempDir
    private Path temporary;

    /// Every Java block of the page stands line by line in the code of one Template, which is compiled elsewhere.
    @Test
    void theJavaOfThePageIsThatOfTheExamples() throws IOException {
        List<String> sources = new ArrayList<>();
        for (String root : List.of("examples", "template/src/main/resources")) {
            try (Stream<Path> files = Files.walk(TestFiles.root().resolve(root))) {
                for (Path file : files.filter(one -> one.endsWith("Model.java")).toList()) {
                    sources.add(squeezed(Files.readString(file)));
                }
            }
        }
        Matcher blocks = JAVA.matcher(Files.readString(TestFiles.root().resolve("docs/authoring.md")));
        int count = 0;
        while (blocks.find()) {
            List<String> lines = blocks.group(1)
                    .lines()
                    .map(AuthoringIT::squeezed)
                    .filter(line -> !line.isEmpty())
                    .toList();
            assertThat(sources)
                    .as(blocks.group(1))
                    .anySatisfy(source -> assertThat(lines)
                            .allSatisfy(line -> assertThat(source).contains(line)));
            count++;
        }
        assertThat(count).isGreaterThanOrEqualTo(6);
    }

    /// Without comments and white space.
    private static String squeezed(String source) {
        return source.replaceAll("//.*", "").replaceAll("\\s+", "");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "warmth|{\"warmth\": 0.1}|{\"warmth\": 0.9}|WARMTH",
                "mood|{\"text\": \"dim\"}|{\"text\": \"bright\"}|BRIGHTNESS",
                "exposure|{\"image\": \"dark.png\"}|{\"image\": \"light.png\"}|BRIGHTNESS"
            })
    void theCommittedWeightsSteer(String example, String low, String high, Effect effect) throws IOException {
        RgbImageWriter.write(RgbImage.filled(new ImageSize(64, 64), 0x202020), temporary.resolve("dark.png"));
        RgbImageWriter.write(RgbImage.filled(new ImageSize(64, 64), 0xD0D0D0), temporary.resolve("light.png"));
        double less = effect.of(generated(example, low));
        double more = effect.of(generated(example, high));
        assertThat(more - less).as("%s against %s", more, less).isGreaterThan(0.08);
    }

    enum Effect {
        BRIGHTNESS,
        WARMTH;

        double of(RgbImage image) {
            return switch (this) {
                case BRIGHTNESS -> Statistics.meanBrightness(image);
                case WARMTH -> Statistics.channelMean(image, 0) - Statistics.channelMean(image, 2);
            };
        }
    }

    private RgbImage generated(String example, String inputs) {
        Path output = temporary.resolve("image.png");
        StencilRun.inProcess(
                        "generate",
                        "--model_paths=" + TestFiles.root().resolve("models/tiny-klein"),
                        "--dtype=float32",
                        "--template_model_id_or_path=" + EXAMPLES.resolve(example),
                        "--template_inputs=" + inputs.replaceAll("\"(\\w+\\.png)\"", "\"" + temporary + "/$1\""),
                        "--prompt=a large red circle, gray background",
                        "--height=64",
                        "--width=64",
                        "--seed=5",
                        "--num_inference_steps=8",
                        "--output=" + output)
                .succeeded();
        return RgbImageReader.read(output);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "warmth|template_model|{\"image\": \"0.png\"}",
                "mood|template_model|{\"text\": \"dim\"}",
                "exposure|template_model.head|{\"image\": \"0.png\"}"
            })
    void twoStagesTrainTheSameWeightsAsOne(String example, String part, String inputs) throws IOException {
        TrainingFolder training = TrainingFolder.make(temporary);
        training.write(TrainingFolder.row("\"0.png\"", inputs)
                + TrainingFolder.row(
                        "\"1.png\"", inputs.replace("0.png", "1.png").replace("dim", "bright")));
        Path template = Files.createDirectory(temporary.resolve(example));
        for (String name : List.of("Model.java", "encoder.safetensors")) {
            if (Files.exists(EXAMPLES.resolve(example).resolve(name))) {
                Files.copy(EXAMPLES.resolve(example).resolve(name), template.resolve(name));
            }
        }
        String[] trained = {
            "--template_model_id_or_path=" + template,
            "--trainable_models=" + part,
            "--remove_prefix_in_ckpt=pipe." + part + ".",
            "--max_steps=3"
        };
        StencilRun.inProcess(training.words(trained)).succeeded();

        Path cache = temporary.resolve("cache");
        StencilRun.inProcess(
                        training.words(trained[0], trained[1], "--task=sft:data_process", "--output_path=" + cache))
                .succeeded();
        StencilRun.inProcess(training.words(Stream.concat(
                                Stream.of(trained),
                                Stream.of(
                                        "--task=sft:train",
                                        "--model_paths=[\"%s\"]"
                                                .formatted(ShortPrompts.model().resolve("transformer")),
                                        "--dataset_metadata_path=",
                                        "--dataset_base_path=" + cache,
                                        "--output_path=" + temporary.resolve("two")))
                        .toArray(String[]::new)))
                .succeeded();
        Path one = checkpoint(training.output());
        assertThat(checkpoint(temporary.resolve("two"))).hasSameBinaryContentAs(one);
        assertThat(SafetensorsHeader.read(one).entries().keySet())
                .as("names that the Template's file has")
                .isNotEmpty()
                .noneMatch(name -> name.startsWith("encoder") || name.startsWith("head"));
    }

    private static Path checkpoint(Path output) throws IOException {
        try (Stream<Path> files = Files.walk(output)) {
            return files.filter(file -> file.endsWith("step-3.safetensors"))
                    .findFirst()
                    .orElseThrow();
        }
    }
}
