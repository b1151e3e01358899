package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.testing.Golden;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The tiny model in files of other software, against the reference's latents.
class FileLayoutsGoldenTest {

    private static final double TOLERANCE = 1e-5;
    private static final LoadOptions OPTIONS = new LoadOptions(DType.FLOAT32, Device.CPU);
    private static final Path BFL = TestFiles.golden("formats/transformer/bfl.safetensors");

    @TempDir
    private Path folder;

    private static GenerationRequest request() {
        return GenerationRequest.of("a cat")
                .steps(4)
                .size(64, 96)
                .cfgScale(4)
                .seed(0)
                .build();
    }

    private static Path part(String name) {
        return TestFiles.tinyModel(name);
    }

    private static GeneratedImage generate(LoadOptions options, Path... parts) {
        ModelFiles files = new ModelFiles(Stream.of(parts).map(List::of).toList(), part("tokenizer"));
        try (Flux2Pipeline pipeline = Flux2Pipeline.load(files, options)) {
            return pipeline.generate(request());
        }
    }

    private static void assertGolden(String name, GeneratedImage image) {
        try (Scope _ = new Scope()) {
            Tensor expected = Golden.read("formats/expected.safetensors").tensor(name + ".latents");
            TensorAssert.assertClose(name, image.latents().toTensor(), expected, TOLERANCE);
        }
        assertImage(image);
    }

    private static void assertImage(GeneratedImage image) {
        assertThat(GenerateGoldenTest.largestDifference(image.image(), GenerateGoldenTest.picture("generate_base.png")))
                .isLessThanOrEqualTo(1);
    }

    /// Copies a file with other names.
    private static void rename(Map<String, Tensor> to, Path from, UnaryOperator<String> name) {
        TensorFiles.read(from).forEach((tensor, values) -> to.put(name.apply(tensor), values));
    }

    private Path renamed(Path file, UnaryOperator<String> name) throws IOException {
        Path copy = folder.resolve("renamed.safetensors");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            rename(tensors, file, name);
            TensorFiles.write(copy, tensors, Map.of());
        }
        return copy;
    }

    @Test
    void transformerInBflNamesWithoutConfiguration() {
        assertGolden("bfl", generate(OPTIONS, BFL, part("vae"), part("text_encoder")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"model.diffusion_model.", "diffusion_model."})
    void transformerInBflNamesBehindAPrefix(String prefix) throws IOException {
        Path file = renamed(BFL, prefix::concat);
        assertGolden("bfl_prefixed", generate(OPTIONS, file, part("vae"), part("text_encoder")));
    }

    @Test
    void vaeInBflNames() {
        assertGolden(
                "vae_bfl",
                generate(
                        OPTIONS,
                        part("transformer"),
                        TestFiles.golden("formats/vae/bfl.safetensors"),
                        part("text_encoder")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "model.language_model.", "text_encoders.qwen3_4b.transformer.model."})
    void textEncoderBehindAnotherPrefixWithoutConfiguration(String prefix) throws IOException {
        Path file = renamed(part("text_encoder/model.safetensors"), name -> prefix + name.substring("model.".length()));
        assertGolden("text_no_prefix", generate(OPTIONS, part("transformer"), part("vae"), file));
    }

    /// As ComfyUI saves a whole model, with tensors that nothing reads.
    @Test
    void allPartsInOneFile() throws IOException {
        Path file = folder.resolve("all.safetensors");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            rename(tensors, BFL, "model.diffusion_model."::concat);
            rename(tensors, TestFiles.golden("formats/vae/bfl.safetensors"), "vae."::concat);
            String text = "text_encoders.qwen3_4b.";
            rename(tensors, part("text_encoder/model.safetensors"), (text + "transformer.")::concat);
            Tensor head = Objects.requireNonNull(tensors.get(text + "transformer.model.embed_tokens.weight"));
            tensors.put(text + "transformer.lm_head.weight", head.clone());
            tensors.put(text + "logit_scale", head.clone());
            TensorFiles.write(file, tensors, Map.of());
        }
        Files.copy(part("vae/config.json"), folder.resolve("config.json")); // for the groups of its norms
        assertGolden("bfl", generate(OPTIONS, file));
    }

    /// Weights that are read from BFL's file at each use, and such as are narrowed, are those of diffusers' file.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void offloadedAndFloat8ModelsAreThoseOfDiffusersFiles(boolean offload) {
        Set<ModelRole> transformer = Set.of(ModelRole.TRANSFORMER);
        LoadOptions options = offload ? OPTIONS.withOffload(transformer) : OPTIONS.withFloat8(transformer);
        GeneratedImage bfl = generate(options, BFL, part("vae"), part("text_encoder"));
        GeneratedImage diffusers = generate(options, part("transformer"), part("vae"), part("text_encoder"));
        try (Scope _ = new Scope()) {
            TensorAssert.assertSame(
                    "latents", bfl.latents().toTensor(), diffusers.latents().toTensor());
        }
    }
}
