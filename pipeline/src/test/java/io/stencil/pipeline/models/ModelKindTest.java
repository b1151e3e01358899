package io.stencil.pipeline.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.ShortPrompts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Defaults of a request that follow from the model.
class ModelKindTest {

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "FLUX.2-klein-4B/transformer, DISTILLED",
        "FLUX.2-klein-base-4B/transformer/diffusion_pytorch_model.safetensors, BASE",
        "models--black-forest-labs--FLUX.2-klein-9B/snapshots/0123/transformer/a.safetensors, DISTILLED",
        "models--black-forest-labs--FLUX.2-klein-base-9B/snapshots/0123/transformer/a.safetensors, BASE",
        "unet/flux-2-klein-base-4b-fp8.safetensors, BASE",
        "unet/flux-2-klein-4b.safetensors, DISTILLED",
        "FLUX.2-dev/transformer, OTHER",
        "tiny-klein/transformer, OTHER",
        "flux2-klein-trials/runs/mine/transformer/a.safetensors, OTHER"
    })
    void namesSayTheKind(String path, ModelKind kind) {
        assertThat(ModelKind.of(List.of(folder.resolve(path)))).isEqualTo(kind);
    }

    @ParameterizedTest
    @CsvSource({"true, DISTILLED", "false, BASE"})
    void theIndexOfAModelDecides(boolean distilled, ModelKind kind) throws IOException {
        Path model = Files.createDirectories(folder.resolve("FLUX.2-klein-base-4B"));
        Files.writeString(model.resolve("model_index.json"), "{\"is_distilled\": " + distilled + "}");
        assertThat(ModelKind.of(List.of(model.resolve("transformer")))).isEqualTo(kind);
        assertThat(ModelKind.of(List.of(model.resolve("transformer/a.safetensors"))))
                .isEqualTo(kind);
        Files.writeString(model.resolve("model_index.json"), "{\"_class_name\": \"Flux2KleinPipeline\"}");
        assertThat(ModelKind.of(List.of(model.resolve("transformer")))).isEqualTo(ModelKind.BASE);
    }

    @Test
    void aBrokenIndexIsNamed() throws IOException {
        Path index = Files.writeString(folder.resolve("model_index.json"), "{\"is_distilled\": \"yes\"}");
        assertThatThrownBy(() -> ModelKind.of(List.of(folder.resolve("transformer"))))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining(index.toString())
                .hasMessageContaining("is_distilled");
    }

    @ParameterizedTest
    @CsvSource({"FLUX.2-klein-4B, 4, false", "FLUX.2-klein-base-4B, 50, true", "other, 30, false"})
    void aRequestThatSetsNothingFollowsTheModel(String name, int steps, boolean guided) throws IOException {
        Path model = Files.createDirectory(folder.resolve(name));
        List<Path> links = new ArrayList<>();
        for (String part : List.of("transformer", "vae", "text_encoder", "tokenizer")) {
            links.add(Files.createSymbolicLink(
                    model.resolve(part), ShortPrompts.model().resolve(part)));
        }
        GenerationRequest plain = GenerationRequest.of("a").size(16, 16).build();
        GenerationRequest set = plain.toBuilder().steps(2).cfgScale(1).build();
        try (Flux2Pipeline pipeline =
                Flux2Pipeline.load(ModelFiles.in(model), new LoadOptions(DType.FLOAT32, Device.CPU))) {
            assertThat(steps(pipeline, plain)).isEqualTo(steps);
            assertThat(steps(pipeline, set)).isEqualTo(2);
            GenerationRequest complete = plain.withDefaults(pipeline.models().kind());
            assertThat(complete.isGuided()).isEqualTo(guided);
            assertThat(pipeline.generate(complete).image())
                    .isEqualTo(pipeline.generate(plain).image());
        } finally {
            for (Path link : links) {
                Files.delete(link); // JUnit warns of links that lead out of its folder
            }
        }
    }

    private static int steps(Flux2Pipeline pipeline, GenerationRequest request) {
        List<Integer> done = new ArrayList<>();
        pipeline.generate(request, (_, total) -> done.add(total));
        assertThat(done).hasSize(done.getFirst());
        return done.getFirst();
    }
}
