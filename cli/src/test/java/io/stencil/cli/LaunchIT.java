package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// `stencil launch`: real processes that train together by Gloo.
class LaunchIT {

    /// Sums of gradients are rounded in another order.
    private static final Offset<Float> ROUNDING = Offset.offset(1e-5f);

    /// What AdamW can do to a weight in two steps of 1e-3, once up and once down.
    private static final Offset<Float> TWO_STEPS = Offset.offset(4e-3f);

    /// Of the run that goes on after a failure, whichever rank fails.
    private static final AtomicReference<byte[]> WEIGHTS_WITHOUT_FAILURE = new AtomicReference<>(new byte[0]);

    @TempDir
    private Path temporary;

    private TrainingFolder training;

    @BeforeEach
    void makeDataset() throws IOException {
        training = TrainingFolder.make(temporary);
    }

    private String[] launched(String... more) {
        return launched(2, more);
    }

    private String[] launched(int processes, String... more) {
        List<String> words = new ArrayList<>(List.of("launch", "--nproc_per_node", Integer.toString(processes)));
        words.addAll(Arrays.asList(training.words(more)));
        return words.toArray(String[]::new);
    }

    private static Map<String, Tensor> weights(Path file) {
        return TensorFiles.read(file);
    }

    @Test
    @Timeout(600)
    void twoProcessesWithBatchOneAreOneWithBatchTwo() throws IOException, InterruptedException {
        Path alone = temporary.resolve("alone");
        StencilRun.inProcess(training.words("--batch_size=2", "--max_steps=3", "--output_path=" + alone))
                .succeeded();
        Path samples = Files.writeString(
                temporary.resolve("samples.jsonl"),
                "{\"prompt\": \"a wall\", \"num_inference_steps\": 1, \"height\": 32, \"width\": 32}");
        StencilRun run = StencilProcess.run(
                        temporary,
                        launched("--max_steps=3", "--enable-csv-log", "--sample_steps=2", "--samples=" + samples))
                .succeeded();
        assertThat(run.out()).contains("[0] wrote ").doesNotContain("[1] wrote");
        assertThat(run.err()).contains("[0] training ").doesNotContain("[1] training");
        assertThat(StencilRun.content(training.output()))
                .contains("checkpoints/step-3.safetensors", "events.jsonl", "training_args.json", "training_log.csv")
                .noneMatch(name -> name.endsWith(".tmp"));
        for (String step : List.of("step-000002", "step-000003")) { // of the first rank
            assertThat(StencilRun.content(training.output().resolve("samples").resolve(step)))
                    .containsExactlyInAnyOrder("01-num-inference-steps-1.png", "sheet.png");
        }
        assertEqualWeights(
                alone.resolve("checkpoints/step-3.safetensors"),
                training.output().resolve("checkpoints/step-3.safetensors"));
    }

    @Test
    @Timeout(600)
    void twoProcessesTrainTheLoraOfOne() throws IOException, InterruptedException {
        Path alone = temporary.resolve("alone");
        String[] lora = {"--lora_base_model=dit", "--lora_rank=2", "--lora_target_modules=to_q,to_out"};
        StencilRun.inProcess(training.words(with(lora, "--batch_size=2", "--max_steps=2", "--output_path=" + alone)))
                .succeeded();
        StencilProcess.run(temporary, launched(with(lora, "--max_steps=2"))).succeeded();
        for (String file : List.of("checkpoints/step-2.safetensors", "checkpoints/step-2.lora.safetensors")) {
            assertEqualWeights(alone.resolve(file), training.output().resolve(file));
        }
    }

    /// What a Template draws from libtorch's own generator follows from the sample, not from the process.
    @Test
    @Timeout(600)
    void twoProcessesDrawWhatOneDraws() throws IOException, InterruptedException {
        Path alone = temporary.resolve("alone");
        String template =
                "--template_model_id_or_path=" + TestFiles.root().resolve("train/src/test/resources/templates/draws");
        StencilRun.inProcess(training.words(template, "--batch_size=2", "--max_steps=3", "--output_path=" + alone))
                .succeeded();
        StencilProcess.run(temporary, launched(template, "--max_steps=3")).succeeded();
        assertEqualWeights(
                alone.resolve("checkpoints/step-3.safetensors"),
                training.output().resolve("checkpoints/step-3.safetensors"));
    }

    /// Also the one that has no row of its own in the last step of the epoch.
    @Test
    @Timeout(600)
    void aGradientThatIsNotFiniteStopsAllRanksAtTheSameStep() throws IOException, InterruptedException {
        String template =
                "--template_model_id_or_path=" + TestFiles.root().resolve("train/src/test/resources/templates/breaks");
        StencilRun run = StencilProcess.start(
                        temporary,
                        Map.of("JAVA_TOOL_OPTIONS", "-Dstencil.test.breaks_at=0.4"),
                        launched(template, "--max_steps=3", "--dataset_shuffle=false"))
                .await();
        assertThat(run.exitCode()).as(run.err()).isEqualTo(1);
        for (int rank = 0; rank < 2; rank++) {
            assertThat(run.err())
                    .containsPattern(
                            "\\[%s\\] stencil: 'learning_rate': the gradient of 'pipe\\.template_model\\."
                                            .formatted(rank)
                                    + "\\S+' is not finite \\(NaN or infinity\\) at step 2 \\(row .*metadata\\.jsonl:3\\), and ");
        }
        assertThat(StencilRun.content(training.output()))
                .contains("checkpoints/step-1.safetensors", "checkpoints/step-1.state");
        assertThat(StencilRun.content(training.output())).noneMatch(name -> name.startsWith("checkpoints/step-2"));
    }

    /// A rank whose row a Template cannot use, after the first step.
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    @Timeout(600)
    void aRankThatFailsEndsTheJobAndCostsNoWork(int rank) throws IOException, InterruptedException {
        fourRows("3.png");
        String template =
                "--template_model_id_or_path=" + TestFiles.root().resolve("train/src/test/resources/templates/fails");
        String[] words = launched(template, "--max_steps=2", "--dataset_shuffle=false");
        StencilRun run = StencilProcess.start(
                        temporary,
                        Map.of("JAVA_TOOL_OPTIONS", "-Dstencil.test.forward_fails_at=0." + (rank + 4)),
                        words)
                .await();
        assertThat(run.exitCode()).as(run.err()).isEqualTo(1);
        assertThat(run.err())
                .contains("[0] saved the state after step 1; fix the cause of the failure, then go on by --resume "
                        + training.output())
                .containsPattern("\\[%s\\] stencil: \\S*Model\\.java:27: forward\\(\\) threw ".formatted(rank))
                .contains("[%s] stencil: rank %s stops, because rank %s ".formatted(1 - rank, 1 - rank, rank));
        assertThat(StencilRun.content(training.output()))
                .contains("checkpoints/step-1.safetensors", "checkpoints/step-1.state");

        StencilProcess.run(
                        temporary,
                        launched(
                                "--output_path=",
                                "--resume=" + training.output(),
                                template,
                                "--max_steps=2",
                                "--dataset_shuffle=false"))
                .succeeded();
        if (WEIGHTS_WITHOUT_FAILURE.get().length == 0) {
            Path whole = temporary.resolve("whole");
            StencilProcess.run(
                            temporary,
                            launched(template, "--max_steps=2", "--dataset_shuffle=false", "--output_path=" + whole))
                    .succeeded();
            WEIGHTS_WITHOUT_FAILURE.set(Files.readAllBytes(whole.resolve("checkpoints/step-2.safetensors")));
        }
        assertThat(training.output().resolve("checkpoints/step-2.safetensors"))
                .hasBinaryContent(WEIGHTS_WITHOUT_FAILURE.get());
    }

    /// Each rank reads its share of the rows: the one that cannot be read is in that of the second.
    @Test
    @Timeout(600)
    void allRanksSkipTheRowsThatOneCannotRead() throws IOException, InterruptedException {
        fourRows("cut.png");
        Path cut = training.dataset().resolve("cut.png");
        byte[] image = Files.readAllBytes(TestFiles.golden("train_0.png"));
        Files.write(cut, Arrays.copyOf(image, image.length * 3 / 4));
        Path without = temporary.resolve("without");
        String[] words = {"--max_steps=4", "--dataset_shuffle=true"};
        StencilRun run = StencilProcess.run(temporary, launched(with(words, "--on_bad_row=skip")))
                .succeeded();
        assertThat(run.err())
                .containsOnlyOnce("skipped a row: ")
                .contains("[0] stencil: warning: skipped a row: " + training.metadata() + ":4: 'image': " + cut)
                .contains("[0] training ")
                .contains(" on 3 rows for 4 steps");
        List<String> rows = Files.readAllLines(training.metadata());
        training.write(String.join("\n", rows.subList(0, 3)));
        StencilProcess.run(temporary, launched(with(words, "--output_path=" + without)))
                .succeeded();
        assertThat(training.output().resolve("checkpoints/step-4.safetensors"))
                .hasSameBinaryContentAs(without.resolve("checkpoints/step-4.safetensors"));
    }

    private void fourRows(String image) throws IOException {
        Files.copy(TestFiles.golden("train_0.png"), training.dataset().resolve("3.png"));
        training.write(
                Files.readString(training.metadata()) + TrainingFolder.row("\"" + image + "\"", "{\"scale\": 0.5}"));
    }

    /// Three rows: the fourth rank has none of its own.
    @Test
    @Timeout(600)
    void fourProcessesThatGatherGradientsOverTwoStepsAreOne() throws IOException, InterruptedException {
        Path alone = temporary.resolve("alone");
        String gather = "--gradient_accumulation_steps=2";
        StencilRun.inProcess(training.words("--batch_size=4", gather, "--max_steps=4", "--output_path=" + alone))
                .succeeded();
        StencilProcess.run(temporary, launched(4, gather, "--max_steps=4")).succeeded();
        assertEqualWeights(
                alone.resolve("checkpoints/step-4.safetensors"),
                training.output().resolve("checkpoints/step-4.safetensors"));
    }

    @Test
    @Timeout(600)
    void twoProcessesTrainTheVaeThatOneDoes() throws IOException, InterruptedException {
        Path alone = temporary.resolve("alone");
        String[] vae = {
            "--task=vae",
            "--model_paths=" + TestFiles.root().resolve("models/tiny-klein"),
            "--trainable_models=vae",
            "--template_model_id_or_path=",
            "--extra_inputs=",
            "--remove_prefix_in_ckpt=pipe.vae.",
            "--max_steps=2"
        };
        StencilRun.inProcess(training.words(with(vae, "--batch_size=2", "--output_path=" + alone)))
                .succeeded();
        StencilProcess.run(temporary, launched(vae)).succeeded();
        assertNearlyEqualWeights(
                alone.resolve("checkpoints/step-2.safetensors"),
                training.output().resolve("checkpoints/step-2.safetensors"));
    }

    @Test
    @Timeout(600)
    void whatGetsNoGradientIsNamedOrAllowed() throws IOException, InterruptedException {
        Path alone = temporary.resolve("alone");
        Path shared = temporary.resolve("shared");
        String[] unused = {
            "--template_model_id_or_path=" + templateWithSpareLayer(), "--remove_prefix_in_ckpt=", "--max_steps=2"
        };
        StencilRun refused = StencilProcess.run(temporary, launched(unused));
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err())
                .contains("'find_unused_parameters': 'pipe.template_model.spare.weight' got no gradient on rank");

        StencilRun.inProcess(training.words(with(unused, "--batch_size=2", "--output_path=" + alone)))
                .succeeded();
        StencilProcess.run(temporary, launched(with(unused, "--find_unused_parameters", "--output_path=" + shared)))
                .succeeded();
        assertEqualWeights(
                alone.resolve("checkpoints/step-2.safetensors"), shared.resolve("checkpoints/step-2.safetensors"));
    }

    private Path templateWithSpareLayer() throws IOException {
        Path folder = Files.createDirectories(temporary.resolve("spare"));
        String model = Files.readString(TestFiles.root().resolve("examples/brightness/Model.java"));
        String used = "this.keyValues = module(\"\", keyValues);";
        assertThat(model).contains(used);
        Files.writeString(
                folder.resolve("Model.java"),
                model.replace(used, used + " module(\"spare\", new io.stencil.nn.Linear(2, 2, false));"));
        return folder;
    }

    private static String[] with(String[] words, String... more) {
        return Stream.concat(Arrays.stream(words), Arrays.stream(more)).toArray(String[]::new);
    }

    private static void assertEqualWeights(Path expectedFile, Path foundFile) {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> expected = weights(expectedFile);
            Map<String, Tensor> found = weights(foundFile);
            assertThat(found.keySet()).isEqualTo(expected.keySet());
            expected.forEach((name, tensor) -> assertThat(Tensors.toFloats(Objects.requireNonNull(found.get(name))))
                    .as(name)
                    .containsExactly(Tensors.toFloats(tensor), ROUNDING));
        }
    }

    /// AdamW makes a whole step, up or down, of a gradient that is rounding alone, and convolutions of one picture are
    /// summed in another order than those of two: one weight in a thousand may be off, by no more than its steps.
    private static void assertNearlyEqualWeights(Path expectedFile, Path foundFile) {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> expected = weights(expectedFile);
            Map<String, Tensor> found = weights(foundFile);
            assertThat(found.keySet()).isEqualTo(expected.keySet());
            long all = 0;
            long apart = 0;
            for (var entry : expected.entrySet()) {
                float[] values = Tensors.toFloats(Objects.requireNonNull(found.get(entry.getKey())));
                float[] wanted = Tensors.toFloats(entry.getValue());
                assertThat(values).as(entry.getKey()).containsExactly(wanted, TWO_STEPS);
                all += wanted.length;
                apart += IntStream.range(0, wanted.length)
                        .filter(i -> Math.abs(values[i] - wanted[i]) > ROUNDING.value)
                        .count();
            }
            assertThat(apart).isLessThan(all / 1000);
        }
    }

    /// Each run is of its own processes, of one thread each: nothing but their number differs.
    @Test
    @Timeout(600)
    void twoProcessesEncodeTheDatasetThatOneDoes() throws IOException, InterruptedException {
        Map<String, String> oneThread = Map.of("STENCIL_THREADS", "1");
        Path alone = temporary.resolve("alone");
        Path shared = temporary.resolve("shared");
        StencilProcess.start(temporary, oneThread, training.words("--task=sft:data_process", "--output_path=" + alone))
                .await()
                .succeeded();
        StencilProcess.start(temporary, oneThread, launched("--task=sft:data_process", "--output_path=" + shared))
                .await()
                .succeeded();
        for (String file :
                List.of("index.json", "origin.json", "empty_prompt.safetensors", "samples/00000002.safetensors")) {
            assertThat(shared.resolve(file)).as(file).hasSameBinaryContentAs(alone.resolve(file));
        }
        assertThat(StencilRun.content(shared.resolve("samples"))).hasSize(3);
    }

    /// As machines of other speed would, each left to itself.
    @Test
    @Timeout(600)
    void processesThatWouldComputeDifferentlyAreRefused() throws IOException, InterruptedException {
        String port = Integer.toString(freePort());
        List<StencilProcess> ranks = new ArrayList<>();
        for (int rank = 0; rank < 2; rank++) {
            Map<String, String> environment = Map.of(
                    "MASTER_ADDR",
                    "127.0.0.1",
                    "MASTER_PORT",
                    port,
                    "WORLD_SIZE",
                    "2",
                    "RANK",
                    Integer.toString(rank),
                    "STENCIL_COMPUTE",
                    rank == 0 ? "float32" : "native");
            ranks.add(
                    StencilProcess.start(temporary, environment, training.words("--dtype=bfloat16", "--max_steps=2")));
        }
        for (StencilProcess rank : ranks) {
            StencilRun ended = rank.await(); // Gloo itself writes to its standard output
            assertThat(ended.exitCode()).as(ended.err()).isEqualTo(1);
            assertThat(ended.err()).contains("'STENCIL_COMPUTE': is not the same in all 2 processes");
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    @Test
    @Timeout(600)
    void aKilledRankEndsTheJobWithItsNumberAndLeavesTheLastCheckpoint() throws IOException, InterruptedException {
        StencilProcess run = StencilProcess.start(temporary, launched("--max_steps=100000", "--save_steps=2"));
        while (run.process().isAlive() && !hasState()) {
            Thread.sleep(20);
        }
        ProcessHandle second = run.process()
                .children()
                .filter(child -> isRank(child, "1"))
                .findFirst()
                .orElseThrow();
        assertThat(second.destroyForcibly()).isTrue();
        StencilRun ended = run.await();
        assertThat(ended.exitCode()).as(ended.err()).isEqualTo(137);
        assertThat(ended.err())
                .contains(
                        "stencil: rank 1 was killed by signal 9; the other ranks end too, and the last checkpoint stays")
                .contains("[0] stencil: rank 0 stops, because rank 1 has died");
        assertThat(StencilRun.content(training.output()))
                .anyMatch(name -> name.matches("checkpoints/step-\\d+\\.safetensors"))
                .anyMatch(name -> name.matches("checkpoints/step-\\d+\\.state"));
    }

    @Test
    @Timeout(600)
    void aSignalReachesAllRanksAndTheirLastWordsAreSeen() throws IOException, InterruptedException {
        StencilProcess run = StencilProcess.start(temporary, launched("--max_steps=100000", "--save_steps=2"));
        while (run.process().isAlive() && !hasState()) {
            Thread.sleep(20);
        }
        run.interrupt();
        StencilRun ended = run.await();
        assertThat(ended.exitCode()).as(ended.err()).isEqualTo(130);
        for (int rank = 0; rank < 2; rank++) {
            assertThat(ended.err())
                    .contains("[%s] stopping after this step, then saving".formatted(rank))
                    .contains("[%s] interrupted after ".formatted(rank));
        }
        assertThat(ended.err()).doesNotContain("Exception");
    }

    private boolean hasState() throws IOException {
        Path checkpoints = training.output().resolve("checkpoints");
        if (Files.notExists(checkpoints)) {
            return false;
        }
        try (Stream<Path> files = Files.list(checkpoints)) {
            return files.anyMatch(file -> file.getFileName().toString().matches("step-\\d+\\.state"));
        }
    }

    private static boolean isRank(ProcessHandle process, String rank) {
        try {
            String variables = Files.readString(Path.of("/proc", Long.toString(process.pid()), "environ"));
            return Arrays.asList(variables.split("\0", -1)).contains("RANK=" + rank);
        } catch (IOException _) {
            return false; // it has ended
        }
    }

    @Test
    void whatCannotBeLaunchedIsOneLine() {
        StencilRun.inProcess("launch", "--nproc_per_node", "0", "train").failed(1, "'nproc_per_node'", "at least 1");
        StencilRun.inProcess("launch", "--nproc_per_node=2", "generate", "--prompt", "x")
                .failed(1, "'launch'", "runs 'train' in several processes, found 'generate'");
        StencilRun.inProcess("launch", "train").failed(2, "--nproc_per_node");
    }
}
