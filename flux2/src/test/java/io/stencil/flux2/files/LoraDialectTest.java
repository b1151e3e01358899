package io.stencil.flux2.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.nn.LayerUpdate;
import io.stencil.nn.LayerUpdate.Kronecker;
import io.stencil.nn.LayerUpdate.Whole;
import io.stencil.nn.Linear;
import io.stencil.nn.LoraPair;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Names and kinds of LoRA files, against the arithmetic of each on the whole weight.
class LoraDialectTest {

    private static final String QKV = "double_blocks.1.txt_attn.qkv";
    private static final List<String> ADDED = List.of("add_q_proj", "add_k_proj", "add_v_proj");
    private static final String ADALN = "final_layer.adaLN_modulation.1";
    private static final String MLP = "double_blocks.0.img_mlp.0";

    private final Scope scope = new Scope();
    private final TorchGenerator generator = new TorchGenerator(11);
    private final Flux2Transformer model =
            new Flux2Transformer(TransformerConfig.read(TestFiles.tinyModel("transformer/config.json")));
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    @TempDir
    private Path folder;

    @AfterEach
    void free() {
        model.close();
        generator.close();
        scope.close();
    }

    private LoraFile read(Map<String, Tensor> content, double strength) {
        Path file = folder.resolve("lora.safetensors");
        try {
            TensorFiles.write(file, content, Map.of());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return LoraFile.read(file, model, strength, DType.FLOAT32, Device.CPU);
    }

    private Tensor random(String name, long... shape) {
        Tensor values = Ops.mul(generator.randn(DType.FLOAT32, shape), 0.1);
        tensors.put(name, values);
        return values;
    }

    private Tensor weight(String layer) {
        return ((Linear) Objects.requireNonNull(model.modules().get(layer)))
                .weight()
                .get();
    }

    /// The changes that a file makes to layers of the model, one below the other.
    private Tensor change(LoraFile file, List<String> layers) {
        return Ops.cat(
                0,
                layers.stream()
                        .map(layer -> {
                            Tensor weight = weight(layer);
                            Tensor sum = Ops.mul(weight, 0);
                            for (LayerUpdate update :
                                    Objects.requireNonNull(file.lora().updates().get(layer))) {
                                sum = sum.add(update.change(weight));
                            }
                            return sum;
                        })
                        .toList());
    }

    private static List<String> added() {
        return ADDED.stream().map("transformer_blocks.1.attn."::concat).toList();
    }

    /// A tool's name for a tensor, from the name that diffusers has for it, or ComfyUI for one of BFL's layers.
    private static String renamed(String dialect, String name) {
        return switch (dialect) {
            case "DiffSynth-Studio" -> name.replace("transformer.", "").replace(".weight", ".default.weight");
            case "old diffusers" -> name.replace("lora_A", "lora.down").replace("lora_B", "lora.up");
            case "named adapter" -> name.replace(".weight", ".style.weight");
            case "PEFT" -> name.replaceFirst("^(transformer|diffusion_model)", "base_model.model");
            case "model prefix" -> "model." + name;
            case "BFL" -> name.replace("diffusion_model.", "");
            case "musubi" -> flat(name, "lora_unet_", "lora_down", "lora_up");
            case "half-converted" -> flat(name, "diffusion_model.", "lora_A", "lora_B");
            case "LyCORIS" -> flat(name, "lycoris_", "lora_down", "lora_up");
            case "OneTrainer" -> flat(name, "lora_transformer_", "lora_down", "lora_up");
            default -> throw new IllegalArgumentException(dialect);
        };
    }

    private static String flat(String name, String prefix, String down, String up) {
        int part = name.indexOf(".lora_");
        String layer = name.substring(name.indexOf('.') + 1, part).replace('.', '_');
        return prefix + layer + name.substring(part).replace("lora_A", down).replace("lora_B", up);
    }

    @ParameterizedTest
    @CsvSource({
        "diffusers, DiffSynth-Studio, DiffSynth-Studio",
        "diffusers, old diffusers, diffusers",
        "diffusers, named adapter, diffusers",
        "diffusers, PEFT, PEFT",
        "ai_toolkit, PEFT, PEFT",
        "ai_toolkit, model prefix, ai-toolkit and ComfyUI",
        "ai_toolkit, BFL, BFL",
        "ai_toolkit, musubi, musubi-tuner and kohya",
        "ai_toolkit, half-converted, half-converted musubi-tuner",
        "ai_toolkit, LyCORIS, LyCORIS",
        "diffusers, OneTrainer, OneTrainer"
    })
    void dialectsOfOneLoraGiveTheSameUpdates(String golden, String dialect, String title) {
        Map<String, LoraPair> expected = LoraFile.read(
                        TestFiles.golden("formats/lora/diffusers.safetensors"), model, 1, DType.FLOAT32, Device.CPU)
                .lora()
                .pairs();
        Map<String, Tensor> content = new LinkedHashMap<>();
        TensorFiles.read(TestFiles.golden("formats/lora/" + golden + ".safetensors"))
                .forEach((name, tensor) -> {
                    String to = renamed(dialect, name);
                    content.put(to, tensor);
                    // equal to the rank, as tools write it
                    content.put(to.replaceFirst("\\.lora.*", ".alpha"), Tensors.full(4, DType.FLOAT32, Device.CPU));
                });

        LoraFile file = read(content, 1);

        assertThat(file.dialect()).isEqualTo(title);
        assertThat(file.kind()).isEqualTo("LoRA");
        assertThat(file.matched()).isEqualTo(golden.equals("diffusers") ? 30 : 22);
        assertThat(file.unmatched()).isEmpty();
        assertThat(file.lora().pairs()).containsOnlyKeys(expected.keySet());
        file.lora().pairs().forEach((layer, pair) -> {
            TensorAssert.assertSame(
                    layer, pair.a(), Objects.requireNonNull(expected.get(layer)).a());
            TensorAssert.assertSame(
                    layer, pair.b(), Objects.requireNonNull(expected.get(layer)).b());
        });
    }

    /// Also where both namings are in one file, and ranks differ.
    @Test
    void ranksOfOneLayerAddUp() {
        model.initialize(DType.FLOAT32, Device.CPU, generator);
        Tensor a = random("diffusion_model." + QKV + ".lora_A.weight", 2, 128);
        Tensor b = random("diffusion_model." + QKV + ".lora_B.weight", 384, 2);
        Tensor more = random("transformer.transformer_blocks.1.attn.add_k_proj.lora_A.weight", 3, 128);
        Tensor moreB = random("transformer.transformer_blocks.1.attn.add_k_proj.lora_B.weight", 128, 3);
        Tensor expected = Ops.mul(b.matmul(a), 0.5).contiguous();
        expected.narrow(0, 128, 128).add_(Ops.mul(moreB.matmul(more), 0.5));

        LoraFile file = read(tensors, 0.5);

        assertThat(file.dialect()).isEqualTo("ai-toolkit and ComfyUI and diffusers");
        TensorAssert.assertClose("change", change(file, added()), expected, 1e-6);
    }

    @Test
    void halvesOfTheLastModulationAreSwapped() {
        model.initialize(DType.FLOAT32, Device.CPU, generator);
        Tensor a = random(ADALN + ".lora_A.weight", 2, 128);
        Tensor b = random(ADALN + ".lora_B.weight", 256, 2);
        Tensor built = b.matmul(a);
        Tensor expected = Ops.cat(0, built.narrow(0, 128, 128), built.narrow(0, 0, 128));
        TensorAssert.assertClose("LoRA", change(read(tensors, 1), List.of("norm_out.linear")), expected, 1e-6);

        tensors.clear();
        Tensor w1 = random(ADALN + ".lokr_w1", 4, 4);
        Tensor w2 = random(ADALN + ".lokr_w2", 64, 32);
        built = kron(w1, w2);
        expected = Ops.cat(0, built.narrow(0, 128, 128), built.narrow(0, 0, 128));
        TensorAssert.assertClose("LoKr", change(read(tensors, 1), List.of("norm_out.linear")), expected, 1e-6);
    }

    private static Tensor kron(Tensor w1, Tensor w2) {
        return w1.view(w1.size(0), 1, w1.size(1), 1)
                .mul(w2.view(1, w2.size(0), 1, w2.size(1)))
                .reshape(w1.size(0) * w2.size(0), w1.size(1) * w2.size(1));
    }

    /// Factors whose blocks end elsewhere than q, k and v do; all of them split, one of them, none.
    @ParameterizedTest
    @CsvSource({"false, false", "true, false", "false, true", "true, true"})
    void aKroneckerProductIsAppliedWithoutBuildingIt(boolean splitFirst, boolean splitSecond) {
        model.initialize(DType.FLOAT32, Device.CPU, generator);
        Tensor w1 = splitFirst
                ? random(QKV + ".lokr_w1_a", 4, 3).matmul(random(QKV + ".lokr_w1_b", 3, 4))
                : random(QKV + ".lokr_w1", 4, 4);
        Tensor w2 = splitSecond
                ? random(QKV + ".lokr_w2_a", 96, 2).matmul(random(QKV + ".lokr_w2_b", 2, 32))
                : random(QKV + ".lokr_w2", 96, 32);
        tensors.put(QKV + ".alpha", Tensors.full(6, DType.FLOAT32, Device.CPU));
        double scale =
                splitSecond ? 3 : splitFirst ? 2 : 1; // alpha over the rank of the second factor, else the first's
        Tensor expected = Ops.mul(kron(w1, w2), 0.5 * scale);

        LoraFile file = read(tensors, 0.5);

        assertThat(file.kind()).isEqualTo("LoKr");
        TensorAssert.assertClose("change", change(file, added()), expected, 1e-6);
        Tensor x = generator.randn(DType.FLOAT32, 2, 3, 128);
        int row = 0;
        for (String layer : added()) {
            LayerUpdate update =
                    Objects.requireNonNull(file.lora().others().get(layer)).getFirst();
            assertThat(update).isInstanceOf(Kronecker.class);
            TensorAssert.assertClose(
                    layer,
                    ((Kronecker) update).update(x),
                    x.matmul(expected.narrow(0, row, 128).t()),
                    1e-5);
            row += 128;
        }
    }

    /// As a pair where the product of both ranks is small, else built.
    @ParameterizedTest
    @CsvSource({"2, 3, true", "20, 9, false"})
    void aHadamardProductOfLowRanks(int rank1, int rank2, boolean pair) {
        model.initialize(DType.FLOAT32, Device.CPU, generator);
        Tensor first = random(QKV + ".hada_w1_a", 384, rank1).matmul(random(QKV + ".hada_w1_b", rank1, 128));
        Tensor second = random(QKV + ".hada_w2_a", 384, rank2).matmul(random(QKV + ".hada_w2_b", rank2, 128));
        tensors.put(QKV + ".alpha", Tensors.full(1, DType.FLOAT32, Device.CPU));

        LoraFile file = read(tensors, 0.5);

        assertThat(file.kind()).isEqualTo("LoHa");
        TensorAssert.assertClose("change", change(file, added()), Ops.mul(first.mul(second), 0.5 / rank1), 1e-5);
        LayerUpdate update = Objects.requireNonNull(file.lora().updates().get(added().getFirst()))
                .getFirst();
        assertThat(update).isInstanceOf(pair ? LoraPair.class : Whole.class);
    }

    /// Norms of the rows, and norms of the columns over all rows of q, k and v; with another kind of factors too.
    @ParameterizedTest
    @CsvSource({"true, false", "false, false", "true, true", "false, true"})
    void magnitudesOfADora(boolean rows, boolean kronecker) {
        model.initialize(DType.FLOAT32, Device.CPU, generator);
        Tensor change = kronecker
                ? kron(random(QKV + ".lokr_w1", 4, 4), random(QKV + ".lokr_w2", 96, 32))
                : Ops.mul(
                        random(QKV + ".lora_up.weight", 384, 2).matmul(random(QKV + ".lora_down.weight", 2, 128)), 0.5);
        if (!kronecker) {
            tensors.put(QKV + ".alpha", Tensors.full(1, DType.FLOAT32, Device.CPU));
        }
        Tensor magnitude = Ops.add(random(QKV + ".dora_scale", rows ? 384 : 1, rows ? 1 : 128), 1);
        tensors.put(QKV + ".dora_scale", magnitude);
        Tensor weight = Ops.cat(0, added().stream().map(this::weight).toList());
        Tensor sum = weight.add(change);
        long[] dimension = {rows ? 1 : 0};
        Tensor norm =
                sum.square().sum(dimension, true, new ScalarTypeOptional()).sqrt();
        Tensor expected = Ops.mul(magnitude.mul(sum).div(norm).sub(weight), 0.75);

        LoraFile file = read(tensors, 0.75);

        assertThat(file.kind()).isEqualTo(kronecker ? "LoKr with DoRA magnitudes" : "DoRA");
        TensorAssert.assertClose("change", change(file, added()), expected, 1e-5);
    }

    @Test
    void aMagnitudeOfAnotherSizeIsRefused() {
        model.initialize(DType.FLOAT32, Device.CPU, generator);
        random(QKV + ".lora_A.weight", 2, 128);
        random(QKV + ".lora_B.weight", 384, 2);
        random(QKV + ".lora_magnitude_vector", 128);
        assertThatThrownBy(() -> read(tensors, 1))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageEndingWith(
                        "'%s.lora_magnitude_vector': must be [384] or [384, 1] (a magnitude for each output) or [1, 128] (one for each input), found [128]",
                        QKV);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            lora_A.weight                       | has only one of lora_A and lora_B
            lora_A.weight lokr_w1               | has factors of LoRA and LoKr at once
            lokr_w1                             | must have lokr_w2, or lokr_w2_a and lokr_w2_b
            lokr_w1 lokr_w2_a                   | must have lokr_w2, or lokr_w2_a and lokr_w2_b
            lokr_w1 lokr_w1_a lokr_w2           | must have lokr_w1, or lokr_w1_a and lokr_w1_b
            hada_w1_a hada_w1_b hada_w2_a       | lacks one of hada_w1_a, hada_w1_b, hada_w2_a and hada_w2_b
            dora_scale                          | has neither lora_A and lora_B nor other factors
            lokr_w1 lokr_w2                     | is a layer of [768, 128], and the Kronecker product is [4, 4]
            lokr_w1 lokr_w2_a lokr_w2_b         | is a layer of [768, 128], and the Kronecker product is [4, 4]
            hada_w1_a hada_w1_b hada_w2_a hada_w2_b | is a layer of [768, 128]
            """)
    void incompleteFactorsAreRefused(String parts, String message) {
        model.initialize(DType.FLOAT32, Device.CPU, generator);
        Pattern.compile(" ").splitAsStream(parts).forEach(part -> random(MLP + "." + part, 2, 2));
        assertThatThrownBy(() -> read(tensors, 1))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("'%s': %s".formatted(MLP, message));
    }

    @Test
    void factorsOfUnlikeRanksAreRefused() {
        random(MLP + ".lokr_w1", 2, 2);
        random(MLP + ".lokr_w2_a", 384, 2);
        random(MLP + ".lokr_w2_b", 3, 64);
        assertThatThrownBy(() -> read(tensors, 1))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageEndingWith("'%s.lokr_w2_b': has rank 3, expected 2, the rank of '%s.lokr_w2_a'", MLP, MLP);
    }
}
