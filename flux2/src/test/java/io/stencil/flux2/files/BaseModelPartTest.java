package io.stencil.flux2.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.flux2.vae.VaeConfig;
import io.stencil.nn.WeightLoader;
import io.stencil.safetensors.SafetensorsDtype;
import io.stencil.safetensors.SafetensorsWriter;
import io.stencil.safetensors.TensorLayout.Change;
import io.stencil.safetensors.TensorSpec;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BaseModelPartTest {

    private static final Path BFL = TestFiles.golden("formats/transformer/bfl.safetensors");

    @TempDir
    private Path folder;

    private static BaseModelPart recognise(Path file) {
        List<BaseModelPart> parts = BaseModelPart.recognise(List.of(file));
        assertThat(parts).hasSize(1);
        return parts.getFirst();
    }

    /// Writes zeros of these shapes.
    private Path write(Map<String, long[]> shapes) throws IOException {
        Path file = folder.resolve("model.safetensors");
        List<TensorSpec> specs = new ArrayList<>();
        shapes.forEach((name, shape) -> specs.add(new TensorSpec(
                name, SafetensorsDtype.U8, LongStream.of(shape).boxed().toList())));
        SafetensorsWriter.write(
                file,
                specs,
                (spec, sink) -> sink.accept(MemorySegment.ofArray(
                        new byte[Math.toIntExact(spec.shape().stream().reduce(1L, (a, b) -> a * b))])),
                Map.of());
        return file;
    }

    private Path changed(Path file, String name, String otherwise) throws IOException {
        Path copy = folder.resolve("changed.safetensors");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = TensorFiles.read(file);
            Tensor tensor = Objects.requireNonNull(tensors.remove(name));
            if (!otherwise.isEmpty()) {
                tensors.put(otherwise, tensor);
            }
            TensorFiles.write(copy, tensors, Map.of());
        }
        return copy;
    }

    /// BFL's names of a transformer's tensors.
    private static Map<String, long[]> bfl(TransformerConfig config) {
        Map<String, long[]> shapes = new LinkedHashMap<>();
        try (Flux2Transformer transformer = new Flux2Transformer(config)) {
            transformer.shapes().forEach((name, shape) -> {
                BflNames.Layer layer = BflNames.bflTensor(name).orElseThrow();
                long[] whole = shape.clone();
                if (layer.rows() instanceof Change.RowShare(int _, int count)) {
                    whole[0] *= count;
                }
                shapes.put(layer.name(), whole);
            });
        }
        return shapes;
    }

    @Test
    void projectionsAreViewsOfRowsOfTheMappedFile() {
        BaseModelPart part = recognise(BFL);
        assertThat(part.dialect()).isEqualTo("BFL names");
        assertThat(part.sizes()).isEqualTo(BaseModelPart.Sizes.SHAPES);
        assertThat(part.config())
                .isEqualTo(new ModelConfig.Transformer(
                        TransformerConfig.read(TestFiles.tinyModel("transformer/config.json"))));
        try (Scope _ = new Scope();
                Flux2Transformer transformer =
                        new Flux2Transformer(TransformerConfig.read(TestFiles.tinyModel("transformer/config.json")))) {
            new WeightLoader(DType.BFLOAT16, Device.CPU).load(transformer, part.weights());
            String attention = "transformer_blocks.1.attn.";
            long row = 128 * 2;
            long first = address(transformer, attention + "add_q_proj.weight");
            assertThat(address(transformer, attention + "add_k_proj.weight")).isEqualTo(first + 128 * row);
            assertThat(address(transformer, attention + "add_v_proj.weight")).isEqualTo(first + 256 * row);
        }
    }

    private static long address(Flux2Transformer transformer, String name) {
        return Objects.requireNonNull(transformer.state().get(name))
                .get()
                .data_ptr()
                .address();
    }

    /// Other heads and counts of blocks, an MLP that is no whole multiple of the width, and embedded guidance.
    @Test
    void sizesOfATransformerAreReadFromItsShapes() throws IOException {
        TransformerConfig config =
                new TransformerConfig(12, 1, 2, 16, 3, 20, 6, 100 / 48.0, List.of(4, 4, 4, 4), 2000, 1e-6, true);
        BaseModelPart part = recognise(write(bfl(config)));
        part.weights().close();
        assertThat(part.config()).isEqualTo(new ModelConfig.Transformer(config));
    }

    @Test
    void sizesOfASmallDecoderAreReadFromItsShapes() throws IOException {
        VaeConfig config = new VaeConfig(List.of(32, 32, 64, 64), List.of(32, 32, 32, 64), 1, 4, 32, 1e-4);
        Map<String, long[]> shapes = new LinkedHashMap<>();
        try (AutoencoderKlFlux2 vae = new AutoencoderKlFlux2(config)) {
            shapes.putAll(vae.shapes());
        }
        BaseModelPart part = recognise(write(shapes));
        part.weights().close();
        assertThat(part.config()).isEqualTo(new ModelConfig.Vae(config));
    }

    @Test
    void aConfigurationBesideItWinsAndThatOfAnotherPartIsNotUsed() throws IOException {
        Path file = Files.copy(BFL, folder.resolve("flux-2-klein-4b.safetensors"));
        Path json = Files.copy(TestFiles.tinyModel("vae/config.json"), folder.resolve("config.json"));
        BaseModelPart part = recognise(file);
        part.weights().close();
        assertThat(part.sizes()).isEqualTo(BaseModelPart.Sizes.SHAPES);

        Files.writeString(
                json,
                Files.readString(TestFiles.tinyModel("transformer/config.json")).replace("2000", "3000"));
        part = recognise(file);
        part.weights().close();
        assertThat(part.sizes()).isEqualTo(BaseModelPart.Sizes.CONFIG_JSON);
        assertThat(part.config())
                .isInstanceOfSatisfying(
                        ModelConfig.Transformer.class,
                        found -> assertThat(found.config().ropeTheta()).isEqualTo(3000));
    }

    @Test
    void aTensorThatShowsASizeAndIsMissingIsNamedAsInTheFile() throws IOException {
        Path file = changed(BFL, "img_in.weight", "");
        assertThatThrownBy(() -> recognise(file))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("img_in.weight")
                .hasMessageContaining(
                        "FLUX.2 transformer (BFL names): its sizes cannot be read, as this tensor is missing");
    }

    @Test
    void aSizeBeyondAllModelsIsRefused() throws IOException {
        Map<String, long[]> shapes =
                bfl(new TransformerConfig(12, 1, 2, 16, 3, 20, 6, 3, List.of(4, 4, 4, 4), 2000, 1e-6, false));
        shapes.put("txt_in.weight", new long[] {0, 1L << 40});
        Path file = write(shapes);
        assertThatThrownBy(() -> recognise(file))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(
                        "'txt_in.weight': FLUX.2 transformer (BFL names): has shape [0, 1099511627776], larger than that of any model");
    }

    @Test
    void missingAndUnexpectedTensorsAreNamedAsInTheFile() throws IOException {
        BaseModelPart part =
                recognise(changed(BFL, "double_blocks.1.txt_attn.qkv.weight", "double_blocks.1.txt_attn.xyz.weight"));
        assertThatThrownBy(part::requireComplete)
                .isInstanceOf(InvalidFileException.class)
                .hasMessageEndingWith("tensors do not fit the model (BFL names, BF16): 1 missing "
                        + "(double_blocks.1.txt_attn.qkv.weight); 1 unexpected (double_blocks.1.txt_attn.xyz.weight)");
        part.weights().close();
    }

    @Test
    void tensorsOfNoPartAreAnError() throws IOException {
        Path file = folder.resolve("prefixed.safetensors");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            TensorFiles.read(BFL).forEach((name, tensor) -> tensors.put("diffusion_model." + name, tensor));
            tensors.put(
                    "other.weight",
                    Objects.requireNonNull(tensors.get("diffusion_model.img_in.weight"))
                            .clone());
            TensorFiles.write(file, tensors, Map.of());
        }
        assertThatThrownBy(() -> BaseModelPart.recognise(List.of(file)))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining(
                        "FLUX.2 transformer (BFL names behind 'diffusion_model.') and 1 tensors of no part")
                .hasMessageContaining("(other.weight)");
    }
}
