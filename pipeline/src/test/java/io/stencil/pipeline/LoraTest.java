package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.pipeline.Flux2Pipeline.LoraMatch;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// LoRA files on a pipeline: loaded, taken off, fused, and in other tools' names.
class LoraTest {

    private static final List<String> LAYERS =
            List.of("transformer_blocks.0.attn.to_q", "single_transformer_blocks.0.attn.to_out");
    private static final int RANK = 4;

    private final Scope scope = new Scope();
    private final Flux2Pipeline pipeline =
            Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), new LoadOptions(DType.FLOAT32, Device.CPU));

    @TempDir
    private Path folder;

    private Map<String, Tensor> matrices;

    @BeforeEach
    void drawMatrices() {
        matrices = new LinkedHashMap<>();
        try (TorchGenerator generator = new TorchGenerator(4)) {
            for (String layer : LAYERS) {
                long[] weight = Objects.requireNonNull(
                        pipeline.models().requireTransformer().shapes().get(layer + ".weight"));
                matrices.put(layer + ".lora_A.weight", generator.randn(DType.FLOAT32, RANK, weight[1]));
                matrices.put(layer + ".lora_B.weight", Ops.mul(generator.randn(DType.FLOAT32, weight[0], RANK), 0.05));
            }
        }
    }

    @AfterEach
    void free() {
        pipeline.close();
        scope.close();
    }

    private Path file(UnaryOperator<String> rename) {
        Map<String, Tensor> renamed = new LinkedHashMap<>();
        matrices.forEach((name, tensor) -> renamed.put(rename.apply(name), tensor));
        Path file = folder.resolve("lora.safetensors");
        try {
            TensorFiles.write(file, renamed, Map.of());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file;
    }

    private Tensor latents() {
        GenerationRequest request =
                GenerationRequest.of("a wall").size(32, 32).steps(2).seed(1).build();
        return pipeline.generate(request).latents().toTensor();
    }

    private static LoraMatch match(String dialect) {
        return new LoraMatch("LoRA", dialect, 2, List.of());
    }

    private static float largestDifference(Tensor a, Tensor b) {
        return Tensors.toFloats(a.sub(b).abs().max())[0];
    }

    @Test
    void aLoadedFileSteersUntilItIsTakenOff() {
        Tensor plain = latents();
        assertThat(pipeline.loadLora(file(name -> name), 1.0)).isEqualTo(match("DiffSynth-Studio"));
        assertThat(largestDifference(latents(), plain)).isGreaterThan(1e-2f);
        pipeline.clearLoras();
        assertThat(Tensors.toFloats(latents())).isEqualTo(Tensors.toFloats(plain));
    }

    @Test
    void twoLoadsAtHalfStrengthAreOneAtFull() {
        pipeline.loadLora(file(name -> name), 1.0);
        Tensor once = latents();
        pipeline.clearLoras();
        pipeline.loadLora(file(name -> name), 0.5);
        pipeline.loadLora(file(name -> name), 0.5);
        TensorAssert.assertClose("latents", latents(), once, 1e-5);
    }

    @Test
    void fusedWeightsDoWhatALoadedFileDoes() {
        Tensor plain = latents();
        pipeline.loadLora(file(name -> name), 0.7);
        Tensor loaded = latents();
        pipeline.clearLoras();
        assertThat(pipeline.fuseLora(file(name -> name), 0.7)).isEqualTo(match("DiffSynth-Studio"));
        TensorAssert.assertClose("latents", latents(), loaded, 1e-5);
        pipeline.fuseLora(file(name -> name), -0.7);
        TensorAssert.assertClose("latents", latents(), plain, 1e-5);
    }

    private static Path golden(String name) {
        return TestFiles.golden("formats/lora/" + name + ".safetensors");
    }

    @ParameterizedTest
    @ValueSource(strings = {"dora_kohya", "lokr", "loha", "ai_toolkit"})
    void otherKindsAreFusedAsTheyAreLoaded(String name) {
        Tensor plain = latents();
        pipeline.loadLora(golden(name), 0.7);
        Tensor loaded = latents();
        assertThat(largestDifference(loaded, plain)).isGreaterThan(1e-3f);
        pipeline.clearLoras();
        assertThat(Tensors.toFloats(latents())).isEqualTo(Tensors.toFloats(plain));
        pipeline.fuseLora(golden(name), 0.7);
        TensorAssert.assertClose("latents", latents(), loaded, 1e-5);
    }

    @Test
    void whatDependsOnTheWeightsIsFusedOnceAndAlone() {
        Tensor plain = latents();
        assertThatThrownBy(() -> pipeline.fuseLora(golden("dora_peft"), -1))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'lora_alpha': is -1.0, and a DoRA cannot be taken off by a negative strength");
        pipeline.loadLora(golden("dora_peft"), 1);
        assertThatThrownBy(() -> pipeline.fuseLora(golden("lokr"), 1))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'lora': cannot be fused while a DoRA is loaded");
        pipeline.clearLoras();
        assertThat(Tensors.toFloats(latents())).isEqualTo(Tensors.toFloats(plain));
    }

    /// A request's files steer that request alone, and a file that fits in part warns.
    @Test
    void aRequestHasLorasOfItsOwn() {
        Tensor plain = latents();
        pipeline.loadLora(file(name -> name), 0.5);
        Tensor expected = latents();
        pipeline.clearLoras();
        Path file = file(name -> name.replace("single_", "triple_"));
        GenerationRequest request = GenerationRequest.of("a wall")
                .size(32, 32)
                .steps(2)
                .seed(1)
                .lora(file, 0.5)
                .build();
        List<String> warnings = new ArrayList<>();
        pipeline.generate(request, new ProgressListener() {
            @Override
            public void onStep(int done, int total) {}

            @Override
            public void onWarning(String message) {
                warnings.add(message);
            }
        });
        assertThat(warnings)
                .containsExactly(file + ": LoRA of 1 layers used (DiffSynth-Studio names), 1 left out: "
                        + "triple_transformer_blocks.0.attn.to_out");
        Path whole = file(name -> name);
        Tensor steered = pipeline.generate(GenerationRequest.of("a wall")
                        .size(32, 32)
                        .steps(2)
                        .seed(1)
                        .lora(whole, 0.25)
                        .lora(whole, 0.25)
                        .build())
                .latents()
                .toTensor();
        TensorAssert.assertClose("latents", steered, expected, 1e-5);
        assertThat(Tensors.toFloats(latents())).isEqualTo(Tensors.toFloats(plain));
        assertThatThrownBy(() -> GenerationRequest.of("a").lora(whole, Double.NaN))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'lora_alpha': must be a number from -1000000 to 1000000, found NaN");
    }

    /// Weights that are read at each use, and weights that rest in float8.
    @ParameterizedTest
    @CsvSource({"dora_kohya, false", "lokr, false", "loha, false", "dora_kohya, true", "lokr, true", "loha, true"})
    void otherKindsAreLoadedOnWeightsThatAreNotInMemory(String name, boolean float8) {
        Set<ModelRole> transformer = Set.of(ModelRole.TRANSFORMER);
        LoadOptions options = new LoadOptions(DType.FLOAT32, Device.CPU);
        GenerationRequest request =
                GenerationRequest.of("a wall").size(32, 32).steps(2).seed(1).build();
        pipeline.loadLora(golden(name), 1);
        Tensor expected = latents();
        try (Flux2Pipeline other = Flux2Pipeline.load(
                ModelFiles.in(ShortPrompts.model()),
                float8 ? options.withFloat8(transformer) : options.withOffload(transformer))) {
            Tensor plain = other.generate(request).latents().toTensor();
            other.loadLora(golden(name), 1);
            Tensor loaded = other.generate(request).latents().toTensor();
            TensorAssert.assertClose("latents", loaded, expected, float8 ? 0.2 : 1e-5);
            assertThat(largestDifference(loaded, plain)).isGreaterThan(1e-3f);
            other.clearLoras();
            assertThat(Tensors.toFloats(other.generate(request).latents().toTensor()))
                    .isEqualTo(Tensors.toFloats(plain));
            if (float8) {
                assertThatThrownBy(() -> other.fuseLora(golden(name), 1))
                        .isInstanceOf(InvalidRequestException.class)
                        .hasMessageContaining("rests in float8");
            }
        }
    }

    @Test
    void fusingBeyondTheRangeOfTheWeightsChangesNone() {
        Tensor plain = latents();
        matrices.replaceAll((name, matrix) -> name.contains("single_") ? Ops.mul(matrix, 1e20) : matrix);
        Path file = file(name -> name);
        assertThatThrownBy(() -> pipeline.fuseLora(file, 1.0))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(
                        "'lora': 'single_transformer_blocks.0.attn.to_out' would hold values beyond the range of float32;"
                                + " fuse the LoRA with a smaller strength");
        assertThat(Tensors.toFloats(latents())).isEqualTo(Tensors.toFloats(plain));
    }

    @ParameterizedTest
    @CsvSource({
        "lora_A, lora_down, lora_B, lora_up, '', DiffSynth-Studio",
        "lora_A.weight, lora_A.default.weight, lora_B.weight, lora_B.default.weight, '', DiffSynth-Studio",
        "lora_A, lora_A, lora_B, lora_B, diffusion_model., ComfyUI and diffusers",
        "lora_A, lora_A, lora_B, lora_B, transformer., diffusers",
        "lora_A.weight, lora_down.default.weight, lora_B.weight, lora_up.default.weight, diffusion_model., ComfyUI and diffusers"
    })
    void otherToolsNamesMeanTheSame(
            String a, String spelledA, String b, String spelledB, String prefix, String dialect) {
        pipeline.loadLora(file(name -> name), 1.0);
        Tensor expected = latents();
        pipeline.clearLoras();
        LoraMatch match = pipeline.loadLora(
                file(name -> prefix + name.replace(a, spelledA).replace(b, spelledB)), 1.0);
        assertThat(match).isEqualTo(match(dialect));
        assertThat(Tensors.toFloats(latents())).isEqualTo(Tensors.toFloats(expected));
    }

    @Test
    void alphaOverRankScalesTheUpdate() {
        pipeline.loadLora(file(name -> name), 0.5);
        Tensor expected = latents();
        pipeline.clearLoras();
        LAYERS.forEach(layer -> matrices.put(layer + ".alpha", Tensors.full(2, DType.FLOAT32, Device.CPU)));
        pipeline.loadLora(file(name -> name), 1.0);
        assertThat(Tensors.toFloats(latents())).isEqualTo(Tensors.toFloats(expected));
    }

    @Test
    void layersThatTheModelLacksAreReported() {
        LoraMatch match = pipeline.loadLora(file(name -> name.replace("single_", "triple_")), 1.0);
        assertThat(match)
                .isEqualTo(new LoraMatch(
                        "LoRA", "DiffSynth-Studio", 1, List.of("triple_transformer_blocks.0.attn.to_out")));
    }

    @Test
    void aFileThatFitsNowhereIsRefused() {
        Path file = file(name -> "somewhere_else." + name);
        assertThatThrownBy(() -> pipeline.loadLora(file, 1.0))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("none of its 2 layers is in the model");
    }

    private void refused(String expected) {
        Path file = file(name -> name);
        assertThatThrownBy(() -> pipeline.loadLora(file, 1.0))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(file + ": " + expected);
    }

    @Test
    void aPartThatComesTwiceInTwoSpellingsIsRefused() {
        String name = LAYERS.getFirst() + ".lora_A.weight";
        String other = "transformer." + LAYERS.getFirst() + ".lora_down.default.weight";
        Tensor first = Objects.requireNonNull(matrices.get(name));
        matrices.put(other, first.clone());
        Path file = file(same -> same);
        assertThatThrownBy(() -> pipeline.loadLora(file, 1.0))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(file + ": '")
                .hasMessageContaining("is the same part of the same layer as")
                .hasMessageContaining("'" + name + "'")
                .hasMessageContaining("'" + other + "'");
    }

    @Test
    void partsThatAreNoMatricesAreRefused() {
        String a = LAYERS.getFirst() + ".lora_A.weight";
        String b = LAYERS.getFirst() + ".lora_B.weight";
        Tensor good = Objects.requireNonNull(matrices.get(a));
        long in = good.size(1);
        matrices.put(a, Tensors.of(new float[] {1}));
        refused("'%s': must be [r, in] with a rank r of at least 1, found []".formatted(a));
        matrices.put(a, good.narrow(0, 0, 0).clone());
        refused("'%s': must be [r, in] with a rank r of at least 1, found [0, %s]".formatted(a, in));
        matrices.put(a, good);
        matrices.put(b, good.reshape(-1));
        refused("'%s': must be [out, r] with a rank r of at least 1, found [%s]".formatted(b, RANK * in));
    }

    @Test
    void anAlphaThatIsNotOneNumberIsRefused() {
        String alpha = LAYERS.getFirst() + ".alpha";
        matrices.put(alpha, Tensors.of(new float[] {1, 2}, 2));
        refused("'%s': must be one number, found [2]".formatted(alpha));
        matrices.put(alpha, Tensors.of(new float[] {Float.NaN}, 1));
        refused("'%s': must be a finite number, found NaN".formatted(alpha));
    }

    @Test
    void matricesOfAnotherShapeAreRefusedAndNothingIsLoaded() {
        Tensor plain = latents();
        matrices.replaceAll((name, tensor) -> name.endsWith("lora_A.weight") ? tensor.narrow(1, 0, 3) : tensor);
        Path file = file(name -> name);
        assertThatThrownBy(() -> pipeline.loadLora(file, 1.0)).hasMessageContaining("is a layer of");
        assertThatThrownBy(() -> pipeline.fuseLora(file, 1.0)).hasMessageContaining("is a layer of");
        assertThat(Tensors.toFloats(latents())).isEqualTo(Tensors.toFloats(plain));
    }
}
