package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.pipeline.Flux2Pipeline.LoraMatch;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.testing.Golden;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// LoRA files of all tools against the reference's final latents.
class LoraGoldenTest extends TinyPipelineFixture {

    private static final double TOLERANCE = 2e-4;
    private static final String FOLDER = "formats/lora/";

    private static final GenerationRequest REQUEST = GenerationRequest.of("a cat")
            .steps(4)
            .size(64, 96)
            .cfgScale(4)
            .seed(0)
            .build();

    @TempDir
    private Path folder;

    @AfterEach
    void takeOff() {
        pipeline.clearLoras();
    }

    private void assertLatents(String expected, GenerationRequest request) {
        Golden golden = Golden.read("formats/expected.safetensors");
        TensorAssert.assertClose(
                expected,
                pipeline.generate(request).latents().toTensor(),
                golden.tensor("lora_" + expected + ".latents"),
                TOLERANCE);
    }

    private static Path golden(String name) {
        return TestFiles.golden(FOLDER + name + ".safetensors");
    }

    @ParameterizedTest
    @CsvSource({
        "ai_toolkit, ai_toolkit, LoRA, ai-toolkit and ComfyUI, 22",
        "diffusers, ai_toolkit, LoRA, diffusers, 30",
        "dora_peft, dora_peft, DoRA, diffusers, 30",
        "dora_kohya, dora_peft, DoRA, musubi-tuner and kohya, 22",
        "lokr, lokr, LoKr, ai-toolkit and ComfyUI, 22",
        "lokr_full, lokr_full, LoKr, LyCORIS, 22",
        "loha, loha, LoHa, LyCORIS, 22"
    })
    void latentsEqualTheReference(String file, String expected, String kind, String dialect, int layers) {
        try (Scope _ = new Scope()) {
            assertThat(pipeline.loadLora(golden(file), 1)).isEqualTo(new LoraMatch(kind, dialect, layers, List.of()));
            assertLatents(expected, REQUEST);
        }
    }

    private Path write(Map<String, Tensor> tensors, Map<String, String> metadata) {
        Path file = folder.resolve("lora.safetensors");
        try {
            TensorFiles.write(file, tensors, metadata);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file;
    }

    @Test
    void alphaTensorsAndMetadataScale() {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            TensorFiles.read(golden("ai_toolkit")).forEach((name, tensor) -> {
                int part = name.indexOf(".lora_");
                String layer = name.substring(0, part)
                        .replace("diffusion_model.", "lora_unet_")
                        .replace('.', '_');
                tensors.put(layer + name.substring(part).replace("_A", "_down").replace("_B", "_up"), tensor);
                tensors.put(layer + ".alpha", Tensors.full(2, DType.FLOAT32, Device.CPU));
            });
            pipeline.loadLora(write(tensors, Map.of()), 1);
            assertLatents("musubi", REQUEST);
            pipeline.clearLoras();
            String alpha = "{\"transformer.r\": 4, \"transformer.lora_alpha\": 8}";
            pipeline.loadLora(write(TensorFiles.read(golden("diffusers")), Map.of("lora_adapter_metadata", alpha)), 1);
            assertLatents("metadata_alpha", REQUEST);
        }
    }

    @Test
    void layersOfTheTextEncoderAreLeftOutAndReported() {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>(TensorFiles.read(golden("diffusers")));
            String layer = "text_encoder.model.layers.0.self_attn.q_proj";
            tensors.put(layer + ".lora_A.weight", Tensors.zeros(DType.FLOAT32, Device.CPU, 4, 64));
            tensors.put(layer + ".lora_B.weight", Tensors.zeros(DType.FLOAT32, Device.CPU, 64, 4));

            LoraMatch match = pipeline.loadLora(write(tensors, Map.of()), 1);

            assertThat(match).hasToString("LoRA of 30 layers used (diffusers names), 1 of the text encoder left out");
            assertThat(match.warning()).isEmpty();
            assertLatents("ai_toolkit", REQUEST);
        }
    }

    /// Several files on a request and on the pipeline, each with its own strength.
    @Test
    void strengthsOfSeveralFilesAddUp() {
        try (Scope _ = new Scope()) {
            pipeline.loadLora(golden("diffusers"), 0.25);
            assertLatents(
                    "ai_toolkit",
                    REQUEST.toBuilder()
                            .lora(golden("ai_toolkit"), 0.25)
                            .lora(golden("diffusers"), 0.5)
                            .build());
            assertLatents(
                    "dora_peft",
                    REQUEST.toBuilder()
                            .lora(golden("dora_peft"), 1)
                            .lora(golden("ai_toolkit"), -0.25)
                            .build());
        }
    }
}
