package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.files.LoraFormat;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.safetensors.SafetensorsHeader;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TensorAssert;
import io.stencil.train.DatasetEncoder.EncodingListener;
import io.stencil.train.encodings.CacheFolder;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Training a LoRA of the base model, alone and beside a Template.
class LoraTrainingTest {

    @SuppressWarnings("NullAway.Init")
    private static Flux2Pipeline pipeline;

    @TempDir
    private Path folder;

    @SuppressWarnings("NullAway.Init")
    private TinyDataset dataset;

    @BeforeAll
    static void load() {
        pipeline = TinyTraining.pipeline();
    }

    @AfterAll
    static void close() {
        pipeline.close();
    }

    @BeforeEach
    void paint() throws IOException {
        dataset = TinyDataset.paint(Files.createDirectory(folder.resolve("data")), 3);
    }

    /// Options for training a LoRA alone.
    private TrainOptions.Builder lora(String output) {
        return alone(dataset.options(folder.resolve(output)));
    }

    private static TrainOptions.Builder alone(TrainOptions.Builder options) {
        return options.template(null)
                .trainable(List.of())
                .extraInputs(Set.of())
                .set("lora_base_model", "dit")
                .set("lora_rank", 4)
                .learningRate(1e-2);
    }

    /// Trains on the models of the options.
    private static Recorder train(TrainOptions.Builder options) {
        Recorder recorder = new Recorder();
        new Trainer().run(options.build(), recorder);
        return recorder;
    }

    /// Trains a LoRA alone on the models that all tests share.
    private static Recorder trainShared(TrainOptions.Builder options) {
        Recorder recorder = new Recorder();
        new Trainer().run(options.build(), pipeline, null, recorder);
        return recorder;
    }

    private static float[] latents(Flux2Pipeline pipeline, @Nullable Path lora) {
        GenerationRequest.Builder request =
                GenerationRequest.of("a wall").size(32, 32).steps(2).seed(1);
        try (Scope _ = new Scope()) {
            return Tensors.toFloats(pipeline.generate((lora == null ? request : request.lora(lora, 1)).build())
                    .latents()
                    .toTensor());
        }
    }

    private static double largestDifference(float[] first, float[] second) {
        double largest = 0;
        for (int i = 0; i < first.length; i++) {
            largest = Math.max(largest, Math.abs((double) first[i] - second[i]));
        }
        return largest;
    }

    /// Samples while training see the LoRA as it is then; afterwards the base model is what it was.
    @ParameterizedTest
    @EnumSource(LoraFormat.class)
    void aFileGivesTheLatentsThatTheRunGave(LoraFormat format) {
        TrainOptions.Builder options = lora("run")
                .maxSteps(3)
                .learningRate(0.1)
                .set("lora_format", format)
                .set("lora_alpha", 6.0)
                .set(
                        "lora_target_modules",
                        List.of("to_q", "to_v", "add_k_proj", "linear_in", "to_out", "norm_out.linear"));
        float[] base = latents(pipeline, null);
        Map<Path, float[]> sampled = new LinkedHashMap<>();
        TrainingListener sampler = new TrainingListener() {
            @Override
            public void onCheckpoint(Path file, long step) {
                sampled.put(file, latents(pipeline, null));
            }
        };
        new Trainer().run(options.build(), pipeline, null, sampler);

        assertThat(sampled).hasSize(1);
        assertThat(latents(pipeline, null)).containsExactly(base);
        sampled.forEach((file, inMemory) -> {
            assertThat(largestDifference(inMemory, base)).isGreaterThan(1e-2);
            assertThat(largestDifference(latents(pipeline, file), inMemory)).isLessThan(1e-5);
        });
    }

    @Test
    void theMetadataOfAFileDescribeTheLora() {
        trainShared(lora("run").maxSteps(1).set("lora_alpha", 8.0).set("lora_target_modules", List.of("to_q", "to_k")));
        assertThat(SafetensorsHeader.read(folder.resolve("run/checkpoints/step-1.safetensors"))
                        .metadata())
                .containsEntry("rank", "4")
                .containsEntry("alpha", "8.0")
                .containsEntry("target_modules", "to_q,to_k")
                .containsEntry("step", "1")
                .doesNotContainKey("base_model") // the tiny model is none that is published
                .hasEntrySatisfying(
                        "lora_adapter_metadata",
                        json -> assertThat(json).contains("\"transformer.r\":4", "\"transformer.lora_alpha\":8.0"));
    }

    /// `B` begins at zero and the random numbers of `A` come from a generator of their own, so that the first loss is
    /// that of a run without a LoRA.
    @Test
    void aTemplateAndALoraAreTrainedTogether() {
        Recorder template = train(dataset.options(folder.resolve("template")).maxSteps(3));
        TrainOptions.Builder options =
                both("both").maxSteps(3).emaDecay(0.5).saveRawWeights(true).removedPrefix("pipe.template_model");
        Recorder both = train(options);

        assertThat(both.losses().getFirst()).isEqualTo(template.losses().getFirst());
        assertThat(both.losses().getLast()).isNotEqualTo(template.losses().getLast());
        assertThat(both.checkpoints)
                .containsExactly(
                        "step-3.raw.safetensors",
                        "step-3.raw.lora.safetensors",
                        "step-3.safetensors",
                        "step-3.lora.safetensors");
        assertThat(names("both/checkpoints/step-3.safetensors"))
                .isNotEmpty()
                .noneMatch(name -> name.contains("lora_"))
                .isEqualTo(names("both/checkpoints/step-3.raw.safetensors"));
        assertThat(names("both/checkpoints/step-3.lora.safetensors"))
                .contains("transformer.transformer_blocks.0.attn.to_q.lora_A.weight")
                .allMatch(name -> name.startsWith("transformer."));
        assertThat(latents(pipeline, folder.resolve("both/checkpoints/step-3.lora.safetensors")))
                .isNotEqualTo(latents(pipeline, folder.resolve("both/checkpoints/step-3.raw.lora.safetensors")));
        assertThatThrownBy(() -> train(dataset.options(folder.resolve("both"))))
                .hasMessageContaining("step-3.lora.safetensors");
    }

    private Set<String> names(String file) {
        return SafetensorsHeader.read(folder.resolve(file)).entries().keySet();
    }

    @Test
    void recomputedBlocksAndOffloadedWeightsChangeNothing() {
        List<Double> losses = trainShared(lora("plain").maxSteps(3)).losses();
        assertThat(trainShared(lora("recomputed").maxSteps(3).gradientCheckpointing(true))
                        .losses())
                .isEqualTo(losses);
        LoadOptions offload = TinyTraining.FLOAT32.withOffload(Set.of(ModelRole.TRANSFORMER));
        List<Double> offloaded =
                train(lora("offloaded").maxSteps(3).load(offload)).losses();
        for (int i = 0; i < losses.size(); i++) {
            assertThat(offloaded.get(i)).isCloseTo(losses.get(i), offset(1e-5));
        }
    }

    @Test
    void aModelInFloat8IsTrainedOn() {
        LoadOptions float8 = TinyTraining.FLOAT32.withFloat8(Set.of(ModelRole.TRANSFORMER));
        Recorder run = train(lora("float8").maxSteps(3).load(float8));
        assertThat(run.losses()).doesNotHaveDuplicates();
        assertThat(run.losses().getFirst())
                .isNotEqualTo(trainShared(lora("float32").maxSteps(1)).losses().getFirst());
    }

    @Test
    void theSecondStageTrainsAsOneStageDoes() {
        Path cache = folder.resolve("cache");
        assertThat(new DatasetEncoder()
                        .run(
                                alone(dataset.options(cache))
                                        .task(Task.SFT_DATA_PROCESS)
                                        .build(),
                                EncodingListener.NONE))
                .isTrue();
        ModelFiles transformer =
                new ModelFiles(List.of(List.of(ShortPrompts.model().resolve("transformer"))), null);
        Recorder two = train(
                alone(TinyDataset.options(transformer, cache, new CacheFolder(cache).index(), folder.resolve("two")))
                        .task(Task.SFT_TRAIN)
                        .epochs(2));
        assertThat(two.losses()).isEqualTo(trainShared(lora("one").epochs(2)).losses());
        assertThat(folder.resolve("two/checkpoints/epoch-1.safetensors"))
                .hasSameBinaryContentAs(folder.resolve("one/checkpoints/epoch-1.safetensors"));
    }

    /// With a rate of next to nothing the LoRA stays what it was: a fused file has three times the rank.
    @ParameterizedTest
    @EnumSource(LoraFormat.class)
    void aRunBeginsWithTheLoraOfAFile(LoraFormat format) {
        trainShared(lora("first").maxSteps(2).set("lora_format", format));
        trainShared(lora("again")
                .maxSteps(1)
                .learningRate(1e-30)
                .set("lora_checkpoint", folder.resolve("first/checkpoints/step-2.safetensors"))
                .set("lora_format", format));
        assertSameTensors("again/checkpoints/step-1.safetensors", "first/checkpoints/step-2.safetensors");
    }

    @Test
    void aCheckpointOfBothGivesBoth() {
        train(both("first").maxSteps(2));
        train(both("again")
                .maxSteps(1)
                .learningRate(1e-30)
                .resumeFrom(folder.resolve("first/checkpoints/step-2.safetensors")));
        for (String end : List.of(".safetensors", ".lora.safetensors")) {
            assertSameTensors("again/checkpoints/step-1" + end, "first/checkpoints/step-2" + end);
        }
        trainShared(lora("alone").maxSteps(2));
        trainShared(lora("on")
                .maxSteps(1)
                .learningRate(1e-30)
                .resumeFrom(folder.resolve("alone/checkpoints/step-2.safetensors")));
        assertSameTensors("on/checkpoints/step-1.safetensors", "alone/checkpoints/step-2.safetensors");
    }

    private TrainOptions.Builder both(String output) {
        return dataset.options(folder.resolve(output))
                .set("lora_base_model", "dit")
                .set("lora_rank", 2);
    }

    private void assertSameTensors(String file, String expected) {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = TensorFiles.read(folder.resolve(expected));
            TensorFiles.read(folder.resolve(file))
                    .forEach((name, tensor) ->
                            TensorAssert.assertSame(name, tensor, Objects.requireNonNull(tensors.get(name))));
        }
    }

    @Test
    void aLoraOfOtherLayersOrAnotherRankIsRefused() {
        trainShared(lora("first").maxSteps(1).set("lora_target_modules", List.of("to_q")));
        Path file = folder.resolve("first/checkpoints/step-1.safetensors");
        assertThatThrownBy(() -> trainShared(lora("more").set("lora_checkpoint", file)))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("is no LoRA of the layers that are trained: missing ")
                .hasMessageContaining("unexpected none; check --lora_target_modules");
        assertThatThrownBy(() -> trainShared(lora("rank")
                        .set("lora_target_modules", List.of("to_q"))
                        .set("lora_rank", 8)
                        .set("lora_checkpoint", file)))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("has the rank 4, expected --lora_rank 8; give the file's rank");
    }

    @ParameterizedTest
    @CsvSource({"to_qq, to_q", "blocks.0.attn.to_q, ''", "transformer_blocks.0, ''"})
    void aTargetThatIsNoLayerIsRefused(String target, String meant) {
        assertThatThrownBy(() -> trainShared(lora("run").set("lora_target_modules", List.of("to_v", target))))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("'lora_target_modules': '" + target
                        + "' names no linear layer of the transformer, whose layers end in add_k_proj, ")
                .hasMessageContaining(meant.isEmpty() ? "" : "; did you mean '" + meant + "'");
    }

    @Test
    void theDtypeOfFilesIsTheOneOfTheOptions() {
        trainShared(lora("run").maxSteps(1).saveDtype(DType.BFLOAT16));
        assertThat(SafetensorsHeader.read(folder.resolve("run/checkpoints/step-1.safetensors"))
                        .entries()
                        .values())
                .allSatisfy(entry -> assertThat(entry.dtype()).hasToString("BF16"));
    }
}
