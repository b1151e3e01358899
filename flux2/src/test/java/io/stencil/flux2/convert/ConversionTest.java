package io.stencil.flux2.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.convert.ModelTarget.Dialect;
import io.stencil.flux2.files.BaseModelPart;
import io.stencil.flux2.files.ModelConfig;
import io.stencil.flux2.files.PartLayout.Part;
import io.stencil.gguf.BlockType;
import io.stencil.gguf.GgufFile;
import io.stencil.gguf.GgufValue;
import io.stencil.nn.WeightLoader;
import io.stencil.safetensors.Checkpoint;
import io.stencil.safetensors.SafetensorsDtype;
import io.stencil.safetensors.TensorEntry;
import io.stencil.safetensors.TensorSource;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.WeightValues;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Conversions there and back, and quantized files that others made of the same weights.
class ConversionTest {

    private static final Path TRANSFORMER = TestFiles.tinyModel("transformer");
    private static final Path TEXT_ENCODER = TestFiles.tinyModel("text_encoder");

    @TempDir
    private Path folder;

    private static Conversion.Report convert(Path in, Path out, ModelTarget target) {
        try {
            return Conversion.run(in, out, target, (_, _) -> {});
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static ModelTarget to(
            @Nullable Dialect dialect, @Nullable Quantization quantization, @Nullable DType dtype) {
        return new ModelTarget(dialect, quantization, dtype, null, false);
    }

    private static TensorSource open(Path path) {
        return path.toString().endsWith(".gguf") ? GgufFile.open(path) : Checkpoint.open(path);
    }

    private static void assertSame(Path result, Path expected) {
        try (TensorSource one = open(result);
                TensorSource other = open(expected)) {
            assertThat(one.entries().keySet()).isEqualTo(other.entries().keySet());
            for (String name : one.entries().keySet()) {
                assertSame(one, name, other, name);
            }
        }
    }

    private static void assertSame(TensorSource one, String name, TensorSource other, String otherName) {
        TensorEntry entry = one.entry(name);
        assertThat(entry.dtype()).as(name).isEqualTo(other.entry(otherName).dtype());
        assertThat(entry.shape()).as(name).isEqualTo(other.entry(otherName).shape());
        assertThat(Arrays.mismatch(bytes(one, name), bytes(other, otherName)))
                .as("first byte of %s that differs", name)
                .isEqualTo(-1);
    }

    private static byte[] bytes(TensorSource source, String name) {
        return source.segment(name).toArray(ValueLayout.JAVA_BYTE);
    }

    @Test
    void partsAreByteEqualThereAndBack() {
        for (Part part : List.of(Part.TRANSFORMER, Part.VAE)) {
            Path bfl = folder.resolve(part.folder() + ".safetensors");
            convert(TestFiles.tinyModel(part.folder()), bfl, to(Dialect.BFL, null, null));
            try (TensorSource made = open(bfl)) {
                assertThat(BaseModelPart.describe(made.entries().keySet())).contains(part.title() + " (BFL names)");
            }
            Path back = folder.resolve(part.folder());
            convert(bfl, back, to(Dialect.DIFFUSERS, null, null));
            assertSame(back, TestFiles.tinyModel(part.folder()));
        }
        assertSame(folder.resolve("transformer.safetensors"), TestFiles.golden("formats/transformer/bfl.safetensors"));
        assertSame(folder.resolve("vae.safetensors"), TestFiles.golden("formats/vae/bfl.safetensors"));
    }

    /// Its metadata hold what shapes do not show: that norms have 8 groups.
    @Test
    void oneFileOfAllPartsNeedsNothingBesideIt() throws IOException {
        Path whole = folder.resolve("whole.safetensors");
        convert(TestFiles.tinyModel(""), whole, to(Dialect.COMFYUI, null, null));
        Map<Part, ModelConfig> configs = new LinkedHashMap<>();
        for (BaseModelPart part : BaseModelPart.recognise(List.of(whole))) {
            configs.put(part.config().part(), part.config());
            assertThat(part.sizes()).isEqualTo(BaseModelPart.Sizes.METADATA);
            part.requireComplete();
            part.weights().close();
        }
        for (Part part : Part.values()) {
            assertThat(configs.get(part))
                    .isEqualTo(ModelConfig.read(TestFiles.tinyModel(part.folder() + "/config.json")));
        }
        Path back = folder.resolve("back");
        convert(whole, back, to(Dialect.DIFFUSERS, null, null));
        for (Part part : Part.values()) {
            assertSame(back.resolve(part.folder()), TestFiles.tinyModel(part.folder()));
            assertThat(ModelConfig.read(back.resolve(part.folder()).resolve("config.json")))
                    .isEqualTo(configs.get(part));
        }
        Path text = folder.resolve("text.safetensors");
        convert(whole, text, new ModelTarget(Dialect.DIFFUSERS, null, null, Part.TEXT_ENCODER, false));
        assertSame(text, TEXT_ENCODER);
    }

    @Test
    void blocksAreThoseOfOtherTools() {
        Path transformer = folder.resolve("transformer.gguf");
        Conversion.Report report = convert(TRANSFORMER, transformer, to(null, Quantization.Q4_0, null));
        assertThat(report.lines()).singleElement().asString().endsWith(", Q4_0, BF16 and F32");
        try (GgufFile made = GgufFile.open(transformer);
                GgufFile golden = GgufFile.open(TestFiles.golden("formats/transformer/Q4_0.gguf"))) {
            assertThat(made.entries().keySet()).isEqualTo(golden.entries().keySet());
            golden.entries().forEach((name, entry) -> {
                if (entry.dtype() != SafetensorsDtype.F16) { // the other tool's choice for what is not quantized
                    assertSame(made, name, golden, name);
                } else {
                    assertThat(made.entry(name).dtype()).isEqualTo(SafetensorsDtype.BF16);
                }
            });
            assertThat(made.values())
                    .containsEntry("general.architecture", new GgufValue.Text("flux"))
                    .containsEntry("general.file_type", new GgufValue.Numeric(2L))
                    .containsEntry("general.quantization_version", new GgufValue.Numeric(2L));
        }
        Path text = folder.resolve("text.gguf");
        convert(TEXT_ENCODER, text, to(null, Quantization.Q8_0, null));
        assertSame(text, TestFiles.golden("formats/text_encoder/Q8_0.gguf"));
        try (GgufFile made = GgufFile.open(text);
                GgufFile golden = GgufFile.open(TestFiles.golden("formats/text_encoder/Q8_0.gguf"))) {
            assertThat(made.values()).containsAllEntriesOf(golden.values());
        }
    }

    @Test
    void float8IsThatOfOtherTools() {
        Path file = folder.resolve("float8.safetensors");
        convert(TRANSFORMER, file, to(Dialect.BFL, Quantization.FLOAT8, null));
        try (TensorSource made = open(file);
                TensorSource golden = open(TestFiles.golden("formats/transformer/fp8_new.safetensors"))) {
            golden.entries().forEach((name, entry) -> {
                if (!name.endsWith(".input_scale")) {
                    assertSame(made, name, golden, name);
                }
            });
        }
    }

    /// One scale of a fused weight becomes that of each part, and one again.
    @Test
    void float8WithScalesIsByteEqualThereAndBack() {
        Path golden = TestFiles.golden("formats/transformer/fp8_new.safetensors");
        Path diffusers = folder.resolve("diffusers.safetensors");
        convert(golden, diffusers, to(Dialect.DIFFUSERS, null, null));
        Path back = folder.resolve("back.safetensors");
        convert(diffusers, back, to(Dialect.BFL, null, null));
        assertSame(back, golden);
    }

    @Test
    void differentScalesOfPartsBecomeScalesOfRows() {
        for (Quantization quantization : List.of(Quantization.FLOAT8, Quantization.FLOAT8_ROWS)) {
            Path parts = folder.resolve(quantization + "-parts.safetensors");
            convert(TRANSFORMER, parts, to(Dialect.DIFFUSERS, quantization, null));
            Path fused = folder.resolve(quantization + ".safetensors");
            convert(parts, fused, to(Dialect.BFL, null, null));
            String layer = "double_blocks.1.txt_attn.qkv";
            try (Scope _ = new Scope();
                    TensorSource one = open(fused);
                    TensorSource three = open(parts)) {
                assertThat(one.entry(layer + ".weight_scale").shape()).containsExactly(384L);
                Tensor whole = WeightLoader.values(one, layer + ".weight").in(DType.FLOAT32);
                String key = "transformer_blocks.1.attn.add_k_proj.weight";
                Tensor part = WeightLoader.values(three, key).in(DType.FLOAT32);
                assertThat(whole.narrow(0, 128, 128).equal(part)).isTrue();
                try (TensorSource exact = open(TRANSFORMER)) {
                    Tensor expected = DType.FLOAT32.cast(TensorFiles.view(exact, key));
                    float[] error = Tensors.toFloats(part.sub(expected).abs().max());
                    assertThat(error[0]).isLessThan(448 / 16f * 0.001f).isPositive();
                }
            }
        }
    }

    /// The halves of its rows change places between both names, and so must its scales.
    @Test
    void scalesOfRowsFollowSwappedHalves() throws IOException {
        Path file = folder.resolve("rows.safetensors");
        String layer = "final_layer.adaLN_modulation.1";
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = TensorFiles.read(TestFiles.golden("formats/transformer/bfl.safetensors"));
            WeightValues.Float8 narrow = WeightValues.Float8.of(Objects.requireNonNull(tensors.get(layer + ".weight")));
            tensors.put(layer + ".weight", narrow.values());
            tensors.put(layer + ".weight_scale", narrow.rowScale());
            TensorFiles.write(file, tensors, Map.of());
        }
        Path diffusers = folder.resolve("diffusers.safetensors");
        convert(file, diffusers, to(Dialect.DIFFUSERS, null, null));
        Path back = folder.resolve("back.safetensors");
        convert(diffusers, back, to(Dialect.BFL, null, null));
        assertSame(back, file);
    }

    @Test
    void aFileOfTheSourceIsNotReplaced() throws IOException {
        Path shard =
                Files.copy(TRANSFORMER.resolve("diffusion_pytorch_model.safetensors"), folder.resolve("s.safetensors"));
        byte[] before = Files.readAllBytes(shard);
        Path linked = Files.createLink(folder.resolve("linked.safetensors"), shard);
        for (Path out : List.of(shard, linked)) {
            assertThatThrownBy(() -> convert(shard, out, new ModelTarget(Dialect.BFL, null, null, null, true)))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("is a file of IN, which it would replace; name another one");
        }
        assertThat(Files.readAllBytes(shard)).isEqualTo(before);
    }

    @Test
    void quantizedWeightsAreWidened() {
        Path file = folder.resolve("wide.safetensors");
        convert(TestFiles.golden("formats/transformer/Q4_0.gguf"), file, to(Dialect.DIFFUSERS, null, DType.BFLOAT16));
        String key = "transformer_blocks.0.attn.to_v.weight";
        try (Scope _ = new Scope();
                TensorSource wide = open(file);
                TensorSource blocks = open(TestFiles.golden("formats/transformer/Q4_0.gguf"))) {
            Tensor whole = TensorFiles.widened(blocks, "double_blocks.0.img_attn.qkv.weight", BlockType.Q4_0);
            Tensor expected = DType.BFLOAT16.cast(whole.narrow(0, 256, 128));
            assertThat(TensorFiles.view(wide, key).equal(expected)).isTrue();
            assertThat(wide.entries().values()).allMatch(entry -> entry.dtype() == SafetensorsDtype.BF16);
            assertThat(wide.metadata())
                    .doesNotContainKey("general.architecture")
                    .containsEntry("format", "pt");
        }
        Path single = folder.resolve("single.safetensors");
        convert(TestFiles.golden("formats/transformer/fp8_new.safetensors"), single, to(null, null, DType.FLOAT32));
        try (TensorSource wide = open(single);
                TensorSource bfl = open(TestFiles.golden("formats/transformer/bfl.safetensors"))) {
            assertThat(wide.entries().keySet()).isEqualTo(bfl.entries().keySet());
        }
    }

    @Test
    void metadataIsKeptButForHashes() throws IOException {
        Path in = folder.resolve("in.safetensors");
        try (Scope _ = new Scope()) {
            TensorFiles.write(
                    in,
                    TensorFiles.read(TestFiles.golden("formats/transformer/bfl.safetensors")),
                    Map.of("author", "someone", "modelspec.hash_sha256", "0x0"));
        }
        Path gguf = folder.resolve("model.gguf");
        convert(in, gguf, to(null, Quantization.Q5_1, null));
        Path out = folder.resolve("out.safetensors");
        convert(gguf, out, to(null, null, DType.BFLOAT16));
        try (TensorSource read = open(out)) {
            assertThat(read.metadata())
                    .containsEntry("author", "someone")
                    .containsOnlyKeys("author", "format", ModelConfig.METADATA);
        }
    }

    private List<String> content() throws IOException {
        try (Stream<Path> content = Files.list(folder)) {
            return content.map(Path::toString).sorted().toList();
        }
    }

    private void assertRefused(Path in, String out, ModelTarget target, String message) throws IOException {
        Path place = folder.resolve(out);
        List<String> before = content();
        assertThatThrownBy(() -> convert(in, place, target))
                .isInstanceOfAny(InvalidRequestException.class, InvalidFileException.class)
                .hasMessageContaining(message);
        assertThat(content()).isEqualTo(before);
    }

    @Test
    void aConversionThatFailsLeavesNothing() throws IOException {
        for (String name : List.of("x.gguf", "x.safetensors", "x")) {
            ModelTarget target = to(null, name.equals("x.gguf") ? Quantization.Q8_0 : null, null);
            assertThatThrownBy(() -> Conversion.run(TRANSFORMER, folder.resolve(name), target, (written, total) -> {
                        if (written > total / 2) {
                            throw new InvalidFileException(folder, "stopped");
                        }
                    }))
                    .hasMessageContaining("stopped");
            assertThat(content()).isEmpty();
        }
    }

    /// The rest of the quantizations of others, which have no description beside the weights.
    @Test
    void int8IsRefusedByName() throws IOException {
        Path file = folder.resolve("int8.safetensors");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = TensorFiles.read(TestFiles.golden("formats/transformer/bfl.safetensors"));
            tensors.put("img_in.weight", Tensors.zeros(DType.INT8, Device.CPU, 128, 128));
            TensorFiles.write(file, tensors, Map.of());
        }
        assertRefused(file, "x.safetensors", to(null, null, null), "quantized as int8, which is not supported");
    }

    @Test
    void whatCannotBeIsRefusedAndLeavesNothing() throws IOException {
        Path whole = TestFiles.tinyModel("");
        Path vae = TestFiles.tinyModel("vae");
        ModelTarget q8 = to(null, Quantization.Q8_0, null);
        assertRefused(TRANSFORMER, "x.safetensors", q8, "must end in .gguf");
        assertRefused(TRANSFORMER, "x.gguf", to(null, Quantization.FLOAT8, null), "must end in .safetensors");
        assertRefused(TRANSFORMER, "x", q8, "must end in .gguf");
        assertRefused(TRANSFORMER, "x", to(Dialect.BFL, null, null), "folders have diffusers' names alone");
        assertRefused(TRANSFORMER, "x.ckpt", to(null, null, null), "must end in .safetensors or .gguf, or name a dir");
        assertRefused(TRANSFORMER, "x.GGUF", to(null, null, null), "must end in .safetensors or .gguf, or name a dir");
        assertRefused(vae, "x.gguf", q8, "does not apply to a VAE");
        assertRefused(vae, "x.gguf", to(null, null, null), "a VAE is not written as GGUF");
        assertRefused(TEXT_ENCODER, "x.safetensors", to(Dialect.BFL, null, null), "BFL has no names for the text");
        assertRefused(TRANSFORMER, "x.safetensors", to(Dialect.KOHYA, null, null), "'kohya' is for LoRAs");
        assertRefused(TRANSFORMER, "x.gguf", to(Dialect.DIFFUSERS, null, null), "a GGUF file has BFL's");
        assertRefused(whole, "x.safetensors", to(null, null, null), "3 parts fit into one file in ComfyUI's names");
        assertRefused(whole, "x.gguf", q8, "a GGUF file holds one part, and there are 3; choose one with --part");
        assertRefused(
                vae,
                "x.safetensors",
                new ModelTarget(null, null, null, Part.TRANSFORMER, false),
                "has no transformer; found vae");
        assertRefused(
                TestFiles.golden("formats/transformer/Q4_0.gguf"),
                "x.safetensors",
                to(null, null, null),
                "is in blocks of Q4_0, which safetensors has not; add --dtype bfloat16");
        assertRefused(
                TestFiles.golden("formats/transformer/fp8_new.safetensors"),
                "x.gguf",
                to(null, null, null),
                "is F8_E4M3, which GGUF has not; add --quantize");
        assertRefused(TestFiles.golden("vae_io.safetensors"), "x.safetensors", to(null, null, null), "no config.json");
        Path there = Files.writeString(folder.resolve("there.safetensors"), "old");
        assertRefused(vae, "there.safetensors", to(null, null, null), "exists; name another file, or pass --overwrite");
        convert(vae, there, new ModelTarget(null, null, null, null, true));
        assertSame(there, vae);
        assertThat(convert(TestFiles.golden("formats/transformer/Q4_0.gguf"), folder.resolve("twice.gguf"), q8)
                        .warnings())
                .singleElement()
                .asString()
                .contains("is quantized already (BFL names, FLUX.2 transformer: 2 double");
    }
}
