package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.TemplateException;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.TinyPipeline;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A folder with nothing but weights of the value family needs no source.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ValueFolderTest {

    private static final String POSITIONS = "proj_k.double_0.positional_embedding";

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

    /// Writes the tensors of a golden Template that pass the filter.
    private void write(String name, Predicate<String> kept) throws IOException {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors =
                    new LinkedHashMap<>(TensorFiles.read(TestFiles.golden("template_value_a/model.safetensors")));
            tensors.keySet().removeIf(kept.negate());
            TensorFiles.write(folder.resolve(name), tensors, Map.of());
        }
    }

    private Map<String, long[]> shapes(Path template) {
        try (LoadedTemplate<?, ?> loaded = new TemplateFolder(template).load(base)) {
            return new TreeMap<>(loaded.model().shapes());
        }
    }

    @ParameterizedTest
    @CsvSource({"template_value_a, 8", "template_value_b, 4"})
    void sizesAreReadOffTheTensors(String name, long length) {
        Map<String, long[]> shapes = shapes(TestFiles.golden(name));
        assertThat(shapes).hasSize(50);
        assertThat(shapes.get(POSITIONS)).containsExactly(length, 128);
        assertThat(new TemplateFolder(TestFiles.golden(name)).describeInputs()).isEmpty();
    }

    @Test
    void someBlocksAndSeveralFilesAreEnough() throws IOException {
        write("one.safetensors", name -> name.startsWith("proj_k.single_2."));
        write("two.safetensors", name -> name.startsWith("proj_v.single_2."));
        Files.writeString(folder.resolve("README.md"), "notes do not matter");
        assertThat(shapes(folder).keySet()).hasSize(10).allMatch(name -> name.contains(".single_2."));
    }

    @Test
    void aMissingTensorIsNamed() throws IOException {
        String missing = "proj_v.double_1.prefer_value_embedder.2.bias";
        write("model.safetensors", name -> !name.equals(missing));
        assertThatThrownBy(() -> new TemplateFolder(folder).check(base))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("1 missing (" + missing + ")");
    }

    @Test
    void oneForAnotherTransformerIsRefused() throws IOException {
        write("model.safetensors", name -> name.contains(".single_2."));
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>(TensorFiles.read(folder.resolve("model.safetensors")));
            Map<String, Tensor> renamed = new LinkedHashMap<>();
            tensors.forEach((name, tensor) -> renamed.put(name.replace("single_2", "single_30"), tensor));
            TensorFiles.write(folder.resolve("model.safetensors"), renamed, Map.of());
            assertThatThrownBy(() -> new TemplateFolder(folder).check(base))
                    .isInstanceOf(TemplateException.class)
                    .hasMessageContaining(
                            "steers block single_30, but the base model has 2 double and 3 single blocks");
            tensors.replaceAll((name, tensor) -> tensor.narrow(0, 0, 1).repeat(1, 1));
            String positions = "proj_k.single_2.positional_embedding";
            tensors.put(
                    positions, Objects.requireNonNull(tensors.get(positions)).repeat(1, 2));
            TensorFiles.write(folder.resolve("model.safetensors"), tensors, Map.of());
        }
        assertThatThrownBy(() -> new TemplateFolder(folder).check(base))
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("steers a transformer of width 256, but the base model's is 128");
    }

    @Test
    void otherWeightsAreToldWithWhatIsThereAndWhatToDo() throws IOException {
        Files.copy(TestFiles.golden("template_lora/model.safetensors"), folder.resolve("model.safetensors"));
        assertThatThrownBy(() -> new TemplateFolder(folder).check(base))
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("its weights are of no family that is built in: tensors a.single_")
                .hasMessageContaining("found model.safetensors; add a Model.java");
        Files.writeString(folder.resolve("model.py"), "");
        assertThatThrownBy(() -> new TemplateFolder(folder).check(base))
                .hasMessageContaining(
                        "found model.py, model.safetensors; model.py is for Python: write the same network");
    }
}
