package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.TinyPipeline;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/// One file, several, none, or one that comes later.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WeightsTest {

    private static final ModelSource NETWORK = ModelSource.GOOD.with("public Input processInputs", """
            final Parameter a = parameter("a", Initializer.normal(1), 2, 3);
                    final Parameter b = parameter("b", Initializer.ZEROS, 4);
                    public Input processInputs""");

    @TempDir
    Path folder;

    private Flux2Pipeline base;

    @BeforeAll
    void loadBase() {
        base = TinyPipeline.transformerOnly();
    }

    @AfterAll
    void closeBase() {
        base.close();
    }

    private static ModelSource weights(String expression) {
        return NETWORK.with("Weights.random(0)", expression);
    }

    private void write(String name, double value, Map<String, long[]> shapes) throws IOException {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            shapes.forEach(
                    (tensor, shape) -> tensors.put(tensor, Tensors.full(value, DType.BFLOAT16, Device.CPU, shape)));
            TensorFiles.write(folder.resolve(name), tensors, Map.of());
        }
    }

    private float[] loaded(ModelSource source, String parameter) throws IOException {
        try (LoadedTemplate<?, ?> template = source.in(folder).load(base)) {
            return Tensors.toFloats(
                    Objects.requireNonNull(template.model().state().get(parameter))
                            .get());
        }
    }

    @Test
    void shardsAreOneSetOfWeights() throws IOException {
        write("one.safetensors", 1, Map.of("a", new long[] {2, 3}));
        write("parts/two.safetensors", 2, Map.of("b", new long[] {4}));
        ModelSource source = weights("Weights.files(\"one.safetensors\", \"parts/two.safetensors\")");
        assertThat(loaded(source, "a")).containsExactly(1, 1, 1, 1, 1, 1);
        assertThat(loaded(source, "b")).containsExactly(2, 2, 2, 2);
    }

    @Test
    void randomWeightsFollowFromTheSeed() throws IOException {
        float[] first = loaded(weights("Weights.random(7)"), "a");
        assertThat(loaded(weights("Weights.random(7)"), "a")).containsExactly(first);
        assertThat(loaded(weights("Weights.random(8)"), "a")).isNotEqualTo(first);
        assertThat(loaded(weights("Weights.random(7)"), "b")).containsOnly(0);
    }

    @Test
    void aFileTakesThePlaceOfRandomWeightsOnceItIsThere() throws IOException {
        ModelSource source = weights("Weights.fileOrRandom(\"model.safetensors\", 7)");
        assertThat(loaded(source, "a")).containsExactly(loaded(weights("Weights.random(7)"), "a"));
        write("model.safetensors", 3, Map.of("a", new long[] {2, 3}, "b", new long[] {4}));
        assertThat(loaded(source, "a")).containsOnly(3);
    }

    /// One of them is of an older package, and which one nobody can tell.
    @Test
    void weightsInOneFileAndInShardsAreRefused() throws IOException {
        Map<String, long[]> all = Map.of("a", new long[] {2, 3}, "b", new long[] {4});
        write("model-00001-of-00001.safetensors", 5, all);
        Files.writeString(folder.resolve("model.safetensors.index.json"), """
                {"weight_map": {"a": "model-00001-of-00001.safetensors", "b": "model-00001-of-00001.safetensors"}}""");
        for (String expression :
                List.of("Weights.fileOrRandom(\"model.safetensors\", 7)", "Weights.files(\"model.safetensors\")")) {
            assertThat(loaded(weights(expression), "a")).containsOnly(5);
            write("model.safetensors", 3, all);
            assertThatThrownBy(() -> loaded(weights(expression), "a"))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessageContaining("model.safetensors, which is none of them");
            Files.delete(folder.resolve("model.safetensors"));
        }
    }

    @Test
    void weightsMustFitNameByNameAndShapeByShape() throws IOException {
        write("model.safetensors", 3, Map.of("a", new long[] {3, 2}, "c", new long[] {4}));
        TemplateFolder template =
                weights("Weights.files(\"model.safetensors\")").in(folder);
        assertThatThrownBy(() -> template.check(base))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("model.safetensors: ")
                .hasMessageContaining(
                        "1 missing (b); 1 unexpected (c); 1 of another shape (a is [3, 2], expected [2, 3])");
        assertThatThrownBy(() -> template.load(base)).hasMessageContaining("1 missing (b)");
    }

    @Test
    void aCheckReadsHeadersAloneAndALoadReadsContent() throws IOException {
        write("model.safetensors", 3, Map.of("a", new long[] {2, 3}, "b", new long[] {4}));
        weights("Weights.files(\"model.safetensors\")").in(folder).check(base);
        assertThat(loaded(weights("Weights.files(\"./model.safetensors\")"), "b"))
                .containsOnly(3);
    }

    @Test
    void aFolderIsCompiledOnce() throws IOException {
        TemplateFolder template = NETWORK.in(folder);
        template.check(base);
        try (LoadedTemplate<?, ?> first = template.load(base);
                LoadedTemplate<?, ?> second = template.load(base)) {
            assertThat(first.model()).isNotSameAs(second.model());
            assertThat(first.model().getClass()).isSameAs(second.model().getClass());
        }
    }
}
