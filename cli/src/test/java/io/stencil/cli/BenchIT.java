package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.flux2.files.KnownCheckpoint;
import io.stencil.flux2.files.ModelConfig;
import io.stencil.flux2.text.Qwen3Config;
import io.stencil.json.JsonFile;
import io.stencil.lab.bench.BenchModels;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// `stencil bench` on shapes that take no time, each work in a process of its own.
class BenchIT {

    private static final List<String> ALL = List.of("training", "training-checkpointed", "denoising", "vae", "text");

    @TempDir
    private Path folder;

    /// In a process of its own, whose options of Java are those of the works' processes.
    private StencilRun bench(String... more) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(List.of("bench", "--size=tiny", "--output_path=" + result()));
        words.addAll(List.of(more));
        return StencilProcess.run(folder, words.toArray(String[]::new));
    }

    private Path result() {
        return folder.resolve("bench.json");
    }

    @Test
    void tableAndJsonTellTheSame() throws IOException, InterruptedException {
        StencilRun run = bench("--repeats=2").succeeded();

        List<String> lines = run.out().lines().toList();
        assertThat(lines.get(0)).contains("random weights", "in bfloat16, computed in", "2 runs of each");
        assertThat(lines.get(1)).contains(", mkl, ", "threads");
        assertThat(lines.get(2).strip().split(" {2,}"))
                .containsExactly("work", "median", "fastest", "slowest", "GFLOP/s", "product", "share", "peak memory");
        JsonNode json = JsonFile.read(result());
        assertThat(json.path("how").asText()).isEqualTo(lines.getFirst());
        assertThat(json.path("works").findValuesAsText("work")).containsExactlyElementsOf(ALL);
        for (int i = 0; i < ALL.size(); i++) {
            JsonNode one = json.path("works").path(i);
            assertThat(one.path("seconds")).hasSize(2);
            double median = one.path("median_seconds").asDouble();
            assertThat(median)
                    .isBetween(
                            one.path("fastest_seconds").asDouble(),
                            one.path("slowest_seconds").asDouble());
            double speed = one.path("gflop_per_second").asDouble();
            assertThat(speed * median).isCloseTo(one.path("gflop").asDouble(), within(1e-9));
            assertThat(one.path("product_operations_per_second")).hasSize(3); // before, between and after
            double product = one.path("product_gflop_per_second").asDouble();
            assertThat(one.path("share_of_product_speed").asDouble() * product).isCloseTo(speed, within(1e-6));
            // More than the virtual machine alone, less than a model of full size.
            assertThat(one.path("peak_resident_bytes").asLong()).isBetween(100L << 20, 4L << 30);
            assertThat(lines.get(3 + i))
                    .startsWith(ALL.get(i) + " ")
                    .contains(String.format(Locale.ROOT, "%.3f s", median));
        }
    }

    /// The parts of a profile are the whole of a run.
    @Test
    void profileAddsUpToTheRun() throws IOException, InterruptedException {
        StencilRun run = bench("--works=training", "--repeats=3", "--profile").succeeded();

        assertThat(run.out()).contains("  products ", "  optimizer ", "  processors: waiting ");
        JsonNode one = JsonFile.read(result()).path("works").path(0);
        double mean = 0;
        for (JsonNode seconds : one.path("seconds")) {
            mean += seconds.asDouble() / 3;
        }
        double sum = 0;
        for (JsonNode part : one.path("profile").path("works")) {
            sum += part.asDouble();
        }
        assertThat(sum).isPositive().isLessThanOrEqualTo(mean);
        JsonNode processors = one.path("profile").path("processors");
        assertThat(processors.path("user").asDouble()).isNotNegative();
        assertThat(processors.path("waiting").asDouble()).isNotNegative();
    }

    /// Two forward passes' worth for a step, three where activations are recomputed; and the tiny transformer's
    /// products, counted by hand.
    @Test
    void operationsAreThoseOfTheModel() throws IOException, InterruptedException {
        bench("--works=training,training-checkpointed,denoising", "--repeats=1").succeeded();
        Map<String, Double> gflop = new HashMap<>();
        for (JsonNode one : JsonFile.read(result()).path("works")) {
            gflop.put(one.path("work").asText(), one.path("gflop").asDouble());
        }
        long width = 64; // two heads of 32
        long hidden = 3 * width;
        long image = 4; // 2 x 2 tokens
        long text = 12;
        long cached = 6;
        long tokens = image + text;
        long attention = 2 * tokens * (tokens + cached) * width;
        long doubleBlock = tokens * (4 * width * width + 3 * width * hidden) + attention;
        long singleBlock = tokens * (width * (3 * width + 2 * hidden) + (width + hidden) * width) + attention;
        long time = 256 * width + width * width;
        long modulations = 2 * 6 * width * width + 3 * width * width + 2 * width * width;
        long around = image * 128 * width + text * 48 * width + image * width * 128;
        long template = 3 * 2 * (256 * width + width * width);
        long expected = doubleBlock + 2 * singleBlock + time + modulations + around + template;

        assertThat(gflop.get("denoising")).isCloseTo(2e-9 * expected, within(1e-12));
        assertThat(gflop.get("training")).isCloseTo(4e-9 * expected, within(1e-12));
        assertThat(gflop.get("training-checkpointed")).isCloseTo(6e-9 * expected, within(1e-12));
    }

    @Test
    void weightsInFilesAreMeasured() throws IOException, InterruptedException {
        StencilRun run = bench(
                        "--model_paths=" + TestFiles.tinyModel(""),
                        "--works=denoising,text",
                        "--dtype=float32",
                        "--fp8_models=dit",
                        "--side=64",
                        "--repeats=1")
                .succeeded();
        assertThat(run.out())
                .contains("weights of " + TestFiles.tinyModel(""), "in float8 dit", "in float32, computed in float32");
    }

    @Test
    void whatAWorkCannotDoIsTold() throws IOException, InterruptedException {
        StencilRun run = bench("--model_paths=" + TestFiles.tinyModel("vae"), "--works=denoising");
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("names no transformer; leave out the works that need it (--works)");
        assertThat(run.err().strip().lines()).hasSize(1);
    }

    static Stream<Arguments> wrongValuesEndWith1() {
        return Stream.of(
                Arguments.of("--works=sleeping", "'works': 'sleeping' is not known; expected training"),
                Arguments.of("--repeats=0", "'repeats': must be at least 1, found 0"),
                Arguments.of("--fp8_models=dit", "'fp8_models': needs --model_paths"),
                Arguments.of("--side=250", "'side': must be a positive multiple of 16, found 250"),
                Arguments.of("--size=huge", "'size': expected klein or full, found 'huge'"),
                Arguments.of("--model_paths=absent", "'absent' does not exist"),
                Arguments.of("--model_paths=org/model:", "is of a hub, and nothing is fetched here; name the folder"));
    }

    @ParameterizedTest
    @MethodSource
    void wrongValuesEndWith1(String word, String message) {
        List<String> words = new ArrayList<>(List.of("bench", word));
        StencilRun.inProcess(words.toArray(String[]::new)).failed(1, message);
    }

    /// The configurations in the tree are those of the published checkpoints, which `--full_size` has built in.
    @Test
    void theConfigurationsOfFullSizeAreThoseOfThePublishedModels() {
        Path models = TestFiles.root().resolve("models/klein-4b");
        assertThat(ModelConfig.read(models.resolve("transformer/config.json")))
                .isEqualTo(KnownCheckpoint.KLEIN_4B.config());
        assertThat(ModelConfig.read(models.resolve("vae/config.json"))).isEqualTo(KnownCheckpoint.VAE.config());
        assertThat(ModelConfig.read(models.resolve("text_encoder/config.json")))
                .isEqualTo(KnownCheckpoint.QWEN3_4B.config());
        BenchModels.Size full = BenchModels.Size.named("full");
        assertThat(new ModelConfig.Transformer(full.transformer())).isEqualTo(KnownCheckpoint.KLEIN_4B.config());
        assertThat(full.text()).isEqualTo(Qwen3Config.size4B());
    }
}
