package io.stencil.template.publish;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.TemplateException;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.TemplateInputs;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TrustedCode;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A package holds what was trained and what was not, and is not there when it is not right.
class TemplatePackagerTest {

    private static final String TRAINED = "proj_k.double_0.positional_embedding";

    @TempDir
    private Path temporary;

    private Path checkpoint;
    private Path output;

    @BeforeEach
    void makeCheckpoint() throws IOException {
        checkpoint = temporary.resolve("training/epoch-0.safetensors");
        Files.createDirectories(temporary.resolve("training"));
        output = temporary.resolve("package");
        write("pipe.template_model." + TRAINED, 0);
    }

    /// A checkpoint of one tensor alone, as training of a part leaves it.
    ///
    /// @param more columns than it should have
    private void write(String name, int more) throws IOException {
        try (Scope _ = new Scope()) {
            Tensor trained = Objects.requireNonNull(weights().get(TRAINED)).neg();
            TensorFiles.write(checkpoint, Map.of(name, trained.narrow(1, 0, trained.size(1) - more)), Map.of());
        }
    }

    private void run(Path template, long maxShardBytes) {
        run(template, checkpoint, maxShardBytes);
    }

    private void run(Path template, @Nullable Path trained, long maxShardBytes) {
        runInto(output, template, trained == null ? List.of() : List.of(trained), maxShardBytes);
    }

    private static void runInto(Path output, Path template, List<Path> trained, long maxShardBytes) {
        TemplatePackager.Request request = new TemplatePackager.Request(
                template,
                TrustedCode.OWN,
                trained,
                output,
                maxShardBytes,
                GenerationRequest.of("a circle").size(64, 64).steps(1).build(),
                TemplateInputs.parse("[{\"scale\": 0.2}, {\"scale\": 0.9}]"),
                new TemplatePackager.Card(null, "org/base", null, Map.of("learning_rate", "0.001")));
        Flux2Pipeline base =
                Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), new LoadOptions(DType.BFLOAT16, Device.CPU));
        new TemplatePackager(request, _ -> {}).run(base, _ -> {});
    }

    private static Map<String, Tensor> weights() {
        return TensorFiles.read(TestFiles.golden("template_value_a/model.safetensors"));
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private void requireMerged(Map<String, Tensor> merged) {
        Map<String, Tensor> before = weights();
        assertThat(merged.keySet()).isEqualTo(before.keySet());
        merged.forEach((name, tensor) -> {
            Tensor frozen = Objects.requireNonNull(before.get(name));
            Tensor expected = name.equals(TRAINED) ? frozen.neg() : frozen;
            assertThat(tensor.equal(expected)).as(name).isTrue();
            assertThat(DType.of(tensor)).as(name).isEqualTo(DType.of(expected));
        });
    }

    @Test
    void frozenPartsComeFromTheFolderAndTrainedOnesFromTheCheckpoint() throws IOException {
        run(TestFiles.golden("template_value_a"), Long.MAX_VALUE);

        assertThat(names(output)).containsExactly("README.md", "model.safetensors", "samples");
        assertThat(names(output.resolve("samples"))).containsExactly("0.png", "1.png", "without.png");
        try (Scope _ = new Scope()) {
            requireMerged(TensorFiles.read(output.resolve("model.safetensors")));
        }
        assertThat(output.resolve("README.md"))
                .content()
                .contains("base_model: \"org/base\"", "scale (a number)", "| learning_rate | 0.001 |", "samples/1.png")
                .contains(
                        "it steers the images of `org/base`",
                        "prompt “a circle”, seed 0, 1 steps, `cfg_scale` 1.0, 64 x 64 pixels",
                        "| without the Template | ![](samples/without.png) |");
    }

    @Test
    void largeWeightsAreWrittenInShardsThatLoad() throws IOException {
        run(TestFiles.golden("template_value_a"), 40_000);

        assertThat(names(output))
                .contains("model.safetensors.index.json")
                .anyMatch(name -> name.startsWith("model-00002-of-"));
        assertThat(names(output)).doesNotContain("model.safetensors");
        Path withCode = Files.createDirectories(temporary.resolve("code"));
        TemplateFamily.VALUE.write(withCode, "1.0");
        Path source = withCode.resolve("Model.java");
        Files.writeString(source, Files.readString(source).replace("forBase(base, 64)", "forBase(base, 8)"));
        for (String name : names(output)) {
            if (name.startsWith("model")) {
                Files.copy(output.resolve(name), withCode.resolve(name));
            }
        }
        try (Flux2Pipeline base =
                Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), new LoadOptions(DType.FLOAT32, Device.CPU))) {
            assertThat(new TemplateFolder(withCode)
                            .weightContent(base)
                            .getFirst()
                            .files())
                    .hasSizeGreaterThan(1);
        }
    }

    @Test
    void aCheckpointOfSomethingElseLeavesNothingBehind() throws IOException {
        write("other", 0);
        assertThatThrownBy(() -> run(TestFiles.golden("template_value_a"), Long.MAX_VALUE))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("is not a checkpoint of this Template: other is not a tensor of the model");
        write(TRAINED, 1);
        assertThatThrownBy(() -> run(TestFiles.golden("template_value_a"), Long.MAX_VALUE))
                .hasMessageContaining("expected [");
        write("module." + TRAINED, 0);
        assertThatThrownBy(() -> run(TestFiles.golden("template_value_a"), Long.MAX_VALUE))
                .hasMessageEndingWith(
                        "module.%s is not a tensor of the model; names differ by a prefix only: remove 'module.' from those of"
                                + " the file",
                        TRAINED);
        assertThat(names(temporary)).containsExactly("training");
    }

    /// The card is for others: it shows the names of the author's files, and no folder of theirs.
    @Test
    void theCardTellsNoPathOfItsAuthor() throws IOException {
        Path folder = temporary.resolve("picture");
        TemplateFamily.IMAGE_KV.write(folder, "1.0");
        Path picture = TestFiles.golden("input.png").toAbsolutePath();
        TemplatePackager.Request request = new TemplatePackager.Request(
                folder,
                TrustedCode.OWN,
                List.of(),
                output,
                Long.MAX_VALUE,
                GenerationRequest.of("a circle").size(64, 64).steps(1).build(),
                TemplateInputs.parse("{\"image\": \"%s\"}".formatted(picture)),
                new TemplatePackager.Card("tiny", null, null, Map.of()));
        Flux2Pipeline base =
                Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), new LoadOptions(DType.FLOAT32, Device.CPU));
        new TemplatePackager(request, _ -> {}).run(base, _ -> {});
        assertThat(output.resolve("README.md"))
                .content()
                .contains("it steers the images of `tiny`", "Not recorded.")
                .contains("| `{\"image\":\"input.png\"}` |", "--template_inputs '{\"image\":\"input.png\"}'")
                .doesNotContain(TestFiles.root().toString());
    }

    /// A Template whose code loads the golden weights from these files: keys from the first, values from the last.
    private Path templateWithFiles(String... files) throws IOException {
        Path folder = temporary.resolve("folder");
        TemplateFamily.VALUE.write(folder, "1.0");
        Path source = folder.resolve("Model.java");
        String text = Files.readString(source)
                .replace(
                        "Weights.fileOrRandom(\"model.safetensors\", 0)",
                        "Weights.files(\"%s\")".formatted(String.join("\", \"", files)))
                .replace("forBase(base, 64)", "forBase(base, 8)");
        assertThat(text).contains("Weights.files(", "forBase(base, 8)");
        Files.writeString(source, text);
        try (Scope _ = new Scope()) {
            for (String file : Set.of(files)) {
                Map<String, Tensor> part = new LinkedHashMap<>(weights());
                part.keySet().removeIf(name -> files.length > 1 && name.startsWith("proj_k") != file.equals(files[0]));
                Files.createDirectories(folder.resolve(file).getParent());
                TensorFiles.write(folder.resolve(file), part, Map.of());
            }
        }
        return folder;
    }

    @Test
    void eachOfSeveralFilesIsWrittenUnderItsName() throws IOException {
        run(templateWithFiles("keys.safetensors", "parts/values.safetensors"), Long.MAX_VALUE);

        assertThat(names(output)).containsExactly("Model.java", "README.md", "keys.safetensors", "parts", "samples");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> keys = TensorFiles.read(output.resolve("keys.safetensors"));
            Map<String, Tensor> values = TensorFiles.read(output.resolve("parts/values.safetensors"));
            assertThat(keys.keySet())
                    .allMatch(name -> name.startsWith("proj_k."))
                    .contains(TRAINED);
            assertThat(values.keySet()).allMatch(name -> name.startsWith("proj_v."));
            Map<String, Tensor> merged = new HashMap<>(keys);
            merged.putAll(values);
            requireMerged(merged);
        }
    }

    /// The package is loaded by its own code and gives the keys that were trained.
    @Test
    void aPackageOfSeveralFilesInShardsLoads() throws IOException {
        run(templateWithFiles("keys.safetensors", "parts/values.safetensors"), 150_000);

        assertThat(names(output)).contains("keys.safetensors.index.json").doesNotContain("keys.safetensors");
        assertThat(names(output.resolve("parts")))
                .contains("values-00001-of-00005.safetensors", "values.safetensors.index.json");
        try (Flux2Pipeline base = Flux2Pipeline.load(
                        ModelFiles.in(ShortPrompts.model()), new LoadOptions(DType.BFLOAT16, Device.CPU));
                LoadedTemplate<?, ?> packaged = new TemplateFolder(output).load(base);
                Scope _ = new Scope()) {
            Map<String, Tensor> loaded = new LinkedHashMap<>();
            packaged.model().state().forEach((name, parameter) -> loaded.put(name, parameter.get()));
            requireMerged(loaded);
        }
    }

    /// Names of a part in a module are relative to it, in its file and in that of the package; one part's weights come
    /// from the folder, those of the others from two checkpoints.
    @Test
    void partsAreMergedFromSeveralCheckpoints() throws IOException {
        Path folder = temporary.resolve("folder");
        TemplateFamily.VALUE.write(folder, "1.0");
        Path source = folder.resolve("Model.java");
        String text = Files.readString(source)
                .replace(
                        "Weights.fileOrRandom(\"model.safetensors\", 0)",
                        "Weights.parts(Weights.file(\"keys.safetensors\").inModule(\"proj_k\"),"
                                + " Weights.fileOrRandom(\"values/values.safetensors\", 0).inModule(\"proj_v\"))")
                .replace("forBase(base, 64)", "forBase(base, 8)");
        assertThat(text).contains("Weights.parts(", "forBase(base, 8)");
        Files.writeString(source, text);
        Map<String, Path> trained = new LinkedHashMap<>();
        try (Scope _ = new Scope()) {
            Map<String, Tensor> keys = new LinkedHashMap<>();
            Map<String, Map<String, Tensor>> values = new LinkedHashMap<>();
            weights().forEach((name, tensor) -> {
                if (name.startsWith("proj_k.")) {
                    keys.put(name.substring("proj_k.".length()), tensor);
                } else {
                    String half = name.contains("double") ? "double" : "single";
                    // one checkpoint has full names, the other those of the part's file
                    values.computeIfAbsent(half, _ -> new LinkedHashMap<>())
                            .put(half.equals("single") ? name.substring("proj_v.".length()) : name, tensor);
                }
            });
            TensorFiles.write(folder.resolve("keys.safetensors"), keys, Map.of());
            for (Map.Entry<String, Map<String, Tensor>> half : values.entrySet()) {
                Path file = temporary.resolve("training").resolve(half.getKey() + ".safetensors");
                TensorFiles.write(file, half.getValue(), Map.of());
                trained.put(half.getKey(), file);
            }
            TensorFiles.write(
                    checkpoint,
                    Map.of(
                            TRAINED,
                            Objects.requireNonNull(weights().get(TRAINED)).neg()),
                    Map.of());
        }
        List<Path> all = new ArrayList<>(trained.values());
        all.add(checkpoint);
        runInto(output, folder, all, Long.MAX_VALUE);

        assertThat(names(output)).containsExactly("Model.java", "README.md", "keys.safetensors", "samples", "values");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> merged = new HashMap<>();
            TensorFiles.read(output.resolve("keys.safetensors"))
                    .forEach((name, tensor) -> merged.put("proj_k." + name, tensor));
            TensorFiles.read(output.resolve("values/values.safetensors"))
                    .forEach((name, tensor) -> merged.put("proj_v." + name, tensor));
            requireMerged(merged);
        }
        assertThatThrownBy(() ->
                        runInto(temporary.resolve("more"), folder, List.of(checkpoint, checkpoint), Long.MAX_VALUE))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(
                        "%s: '%s': this tensor is also in %s; one name may be in one checkpoint only",
                        checkpoint, TRAINED, checkpoint);
        assertThat(temporary.resolve("more")).doesNotExist();
    }

    @Test
    void aFileOfAnotherNameIsPackagedUnderIt() throws IOException {
        run(templateWithFiles("weights/trained.safetensors"), Long.MAX_VALUE);
        assertThat(names(output)).containsExactly("Model.java", "README.md", "samples", "weights");
        try (Scope _ = new Scope()) {
            requireMerged(TensorFiles.read(output.resolve("weights/trained.safetensors")));
        }
    }

    @Test
    void codeWithRandomWeightsCannotBePackaged() throws IOException {
        Path folder = temporary.resolve("folder");
        TemplateFamily.VALUE.write(folder, "1.0");
        Path source = folder.resolve("Model.java");
        Files.writeString(
                source, Files.readString(source).replace("fileOrRandom(\"model.safetensors\", 0)", "random(0)"));
        assertThatThrownBy(() -> run(folder, Long.MAX_VALUE))
                .isInstanceOf(TemplateException.class)
                .hasMessage(
                        "%s: weights() returns Weights.random(0), so that a package would not load what was trained;"
                                + " to be packaged it must give Weights.fileOrRandom(\"model.safetensors\", seed)",
                        folder);
        assertThat(output).doesNotExist();
    }

    /// What its weights do not hold, nobody gets.
    @Test
    void aTemplateWithMoreThanItsWeightsIsRefused() throws IOException {
        Path folder = temporary.resolve("folder");
        TemplateFamily.VALUE.write(folder, "1.0");
        Path source = folder.resolve("Model.java");
        String text = Files.readString(source)
                .replace(
                        "private final ValueKeyValues keyValues;",
                        "private final ValueKeyValues keyValues; private final double offset = Math.random();")
                .replace("inputs.scale(),", "inputs.scale() + offset,");
        assertThat(text).contains("= Math.random()", "+ offset");
        Files.writeString(source, text);
        assertThatThrownBy(() -> run(folder, null, Long.MAX_VALUE))
                .isInstanceOf(TemplateException.class)
                .hasMessageStartingWith(folder + ": does not generate the same once it is packaged");
        assertThat(names(temporary)).containsExactly("folder", "training");

        Files.writeString(source, text.replace("Math.random()", "0.25"));
        run(folder, null, Long.MAX_VALUE);
        assertThat(names(output)).contains("Model.java", "model.safetensors");
    }
}
