package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.stencil.autograd.Checkpointing;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.TemplateException;
import io.stencil.flux2.transformer.KeyValue;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.ForwardContext;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateInput;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/// A folder with nothing but weights of the image family needs no source.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ImageFolderTest {

    private static final Path EXAMPLE = TestFiles.root().resolve("examples/control");

    @TempDir
    Path folder;

    private Flux2Pipeline base;

    @BeforeAll
    void loadBase() {
        base = Flux2Pipeline.load(
                ModelFiles.in(TestFiles.root().resolve("models/tiny-klein")),
                new LoadOptions(DType.FLOAT32, Device.CPU));
    }

    @AfterAll
    void closeBase() {
        base.close();
    }

    private TemplateCache run(Path template) {
        TemplateInput input = new TemplateInput(
                0,
                JsonNodeFactory.instance.objectNode().put("image", "input.png").put("prompt", "a wall"),
                TestFiles.golden(""));
        try (LoadedTemplate<?, ?> loaded = new TemplateFolder(template).load(base)) {
            return loaded.run(input, new ForwardContext(base, Checkpointing.OFF))
                    .map(loaded::unbound);
        }
    }

    private void write(Map<String, Tensor> tensors) throws IOException {
        TensorFiles.write(folder.resolve("model.safetensors"), tensors, Map.of());
    }

    private static Map<String, Tensor> tensors(Path file) {
        return new LinkedHashMap<>(TensorFiles.read(file));
    }

    @Test
    void weightsAloneSteerAsTheSourceBesideThemDoes() throws IOException {
        Files.copy(EXAMPLE.resolve("model.safetensors"), folder.resolve("model.safetensors"));
        try (Scope _ = new Scope()) {
            TemplateCache expected = run(EXAMPLE);
            TemplateCache found = run(folder);
            assertThat(expected.kvCache().blocks()).hasSize(3);
            assertThat(found.kvCache().blocks().keySet())
                    .isEqualTo(expected.kvCache().blocks().keySet());
            expected.kvCache().blocks().forEach((block, cached) -> {
                KeyValue other = Objects.requireNonNull(found.kvCache().blocks().get(block));
                assertThat(Tensors.toFloats(other.k())).isEqualTo(Tensors.toFloats(cached.k()));
                assertThat(Tensors.toFloats(other.v())).isEqualTo(Tensors.toFloats(cached.v()));
            });
        }
        assertThat(new TemplateFolder(folder).describeBuiltInInputs())
                .isEqualTo("image (the path of an image), prompt (a string)");
        assertThatThrownBy(() -> new TemplateFolder(folder)
                        .rowBinder()
                        .bind(JsonNodeFactory.instance.objectNode().put("scale", 0.5), folder))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'scale': is not an input of this Template; it has image, prompt");
    }

    @Test
    void moreBlocksThanTheBaseHasAreRefused() throws IOException {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = tensors(EXAMPLE.resolve("model.safetensors"));
            Map<String, Tensor> more = new LinkedHashMap<>(tensors);
            tensors.forEach((name, tensor) -> {
                for (int i = 1; i < 40; i++) {
                    more.put(
                            name.replace("single_transformer_blocks.0.", "single_transformer_blocks.%s.".formatted(i)),
                            tensor);
                }
            });
            write(more);
        }
        assertThatThrownBy(() -> new TemplateFolder(folder).check(base))
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("has 1 double and 40 single blocks, but the base model has only");
    }

    @Test
    void channelsOfAMaskNeedSource() throws IOException {
        Path inpaint = TestFiles.root().resolve("examples/inpaint/model.safetensors");
        Files.copy(inpaint, folder.resolve("model.safetensors"));
        assertOfNoFamily();
    }

    /// No inputs are promised for weights that cannot be loaded.
    private void assertOfNoFamily() {
        TemplateFolder weights = new TemplateFolder(folder);
        for (ThrowingCallable use : List.<ThrowingCallable>of(
                () -> weights.check(base), weights::describeBuiltInInputs, weights::rowBinder)) {
            assertThatThrownBy(use)
                    .isInstanceOf(TemplateException.class)
                    .hasMessageContaining("its weights are of no family that is built in");
        }
    }

    @Test
    void aWholeTransformerIsOfNoFamily() throws IOException {
        Files.copy(
                TestFiles.tinyModel("transformer").resolve("diffusion_pytorch_model.safetensors"),
                folder.resolve("model.safetensors"));
        assertOfNoFamily();
    }

    @Test
    void aMissingTensorMakesItNoFamily() throws IOException {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = tensors(EXAMPLE.resolve("model.safetensors"));
            tensors.remove("context_embedder.weight");
            write(tensors);
        }
        assertThatThrownBy(() -> new TemplateFolder(folder).check(base))
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("its weights are of no family that is built in");
    }
}
