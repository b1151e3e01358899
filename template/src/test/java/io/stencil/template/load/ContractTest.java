package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.StencilException;
import io.stencil.error.TemplateException;
import io.stencil.files.FetchedFolder;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.TinyPipeline;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Every way to break the Template contract gives one clear error, when the Template is checked and when it is loaded.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ContractTest {

    private static final String GOOD = """
            import io.stencil.flux2.transformer.TransformerConfig;
            import io.stencil.pipeline.Flux2Pipeline;
            import io.stencil.template.*;
            public final class Model implements Template<Model.Input, Model.Input> {
                public record Input(double scale) {}
                public TemplateModel<Input, Input> model(TransformerConfig base) { return new Net(); }
                public Weights weights() { return Weights.random(0); }
                static final class Net extends TemplateModel<Input, Input> {
                    public Input processInputs(Input in, Flux2Pipeline pipeline) { return in; }
                    public TemplateCache forward(Input in, ForwardContext context) { return TemplateCache.empty(); }
                }
            }
            """;

    @TempDir
    Path folder;

    private Flux2Pipeline base;

    @BeforeAll
    void loadBase() {
        base = TinyPipeline.base();
    }

    @AfterAll
    void closeBase() {
        base.close();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "public Weights weights() { return Weights.random(0); }|| Model.java:4: column",
                "public Weights weights()| public Wieghts weights() | Model.java:7: column 12: cannot find symbol",
                "public final class Model| final class Model | must be public and not abstract",
                "Weights.random(0)| Weights.files(~gone.safetensors~) | names 'gone.safetensors', but",
                "Weights.random(0)| Weights.files(~../out.safetensors~) | is not inside the folder",
                "Weights.random(0)| Weights.files(~/out.safetensors~) | is not inside the folder",
                "return Weights.random(0);| return null; | weights() returned null",
                "return new Net();| return null; | model(base) returned null",
                "return new Net();| throw new IllegalStateException(~no luck~); | model(base) threw IllegalState",
                "record Input(double scale)| record Input(Object scale) | which cannot be bound from JSON",
                "record Input(double scale) {}| record Input(double scale) {} public Model(int x) {} | without parameters",
            })
    void aBrokenContractIsToldAtLoad(String part, String replacement, String message) throws IOException {
        String broken = GOOD.replace(part, replacement == null ? "" : replacement.replace('~', '"'));
        Files.writeString(folder.resolve("Model.java"), broken);
        assertThatThrownBy(() -> new TemplateFolder(folder).check(base))
                .isInstanceOf(StencilException.class)
                .hasMessageContaining(message)
                .hasMessageContaining("Model.java");
        assertThatThrownBy(() -> new TemplateFolder(folder).load(base).close())
                .isInstanceOf(StencilException.class)
                .hasMessageContaining(message);
    }

    @Test
    void aSourceMayBeginWithAByteOrderMark() throws IOException {
        Files.writeString(folder.resolve("Model.java"), "\uFEFF" + GOOD);
        assertThatCode(() -> new TemplateFolder(folder).check(base)).doesNotThrowAnyException();
    }

    @Test
    void processedInputsMustBeCacheable() throws IOException {
        String source = GOOD.replace("Template<Model.Input, Model.Input>", "Template<Model.Input, Model.Made>")
                .replace("<Input, Input>", "<Input, Made>")
                .replace(
                        "record Input(double scale) {}",
                        "record Input(double scale) {} public record Made(Thread t) {}")
                .replace("public Input processInputs(Input in,", "public Made processInputs(Input in,")
                .replace("{ return in; }", "{ return new Made(null); }")
                .replace("forward(Input in,", "forward(Made in,");
        Files.writeString(folder.resolve("Model.java"), source);
        assertThatThrownBy(() -> new TemplateFolder(folder).check(base))
                .hasMessageContaining("component 't' of record Made is of type java.lang.Thread")
                .hasMessageContaining("cannot be written to a cache");
    }

    @Test
    void weightsThatDoNotFitAreNamed() throws IOException {
        Files.writeString(
                folder.resolve("Model.java"),
                GOOD.replace("Weights.random(0)", "Weights.files(\"model.safetensors\")"));
        Files.copy(TestFiles.golden("template_lora/model.safetensors"), folder.resolve("model.safetensors"));
        assertThatThrownBy(() -> new TemplateFolder(folder).check(base))
                .hasMessageContaining("4 unexpected (a.")
                .hasMessageContaining("model.safetensors");
    }

    @Test
    void weightsOfNoBuiltInFamilyAskForASource() throws IOException {
        Files.copy(TestFiles.golden("template_lora/model.safetensors"), folder.resolve("model.safetensors"));
        assertThatThrownBy(() -> new TemplateFolder(folder).check(base))
                .hasMessageContaining("no Model.java")
                .hasMessageContaining("model.safetensors");
    }

    /// The code of Python is not fetched, but the fetch's record tells that there is some.
    @Test
    void aFetchedTemplateForPythonIsToldAsSuch() throws IOException {
        Path fetched = folder.resolve("org/name");
        Path part = Files.createDirectories(fetched.resolve("part"));
        Files.createDirectories(FetchedFolder.record(fetched).getParent());
        Files.writeString(FetchedFolder.record(fetched), """
                {"files": [{"path": "part/model.py"}, {"path": "part/model.safetensors"}, {"path": "part/a/b.png"},
                {"path": "README.md"}]}""");
        Files.copy(TestFiles.golden("template_lora/model.safetensors"), part.resolve("model.safetensors"));
        assertThatThrownBy(() -> new TemplateFolder(part).check(base))
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("; found model.safetensors, at its hub a/, model.py, model.safetensors; ")
                .hasMessageContaining("model.py is for Python: write the same network as Model.java")
                .hasMessageEndingWith("do so in a folder of your own, beside a copy of the weights");
        Files.writeString(FetchedFolder.record(fetched), """
                {"files": [{"path": "part/model.safetensors"}]}""");
        assertThatThrownBy(() -> new TemplateFolder(part).check(base))
                .hasMessageContaining("add a Model.java")
                .hasMessageEndingWith("do so in a folder of your own, beside a copy of the weights");
    }

    @Test
    void aSourceWithoutTheClassModelIsTold() throws IOException {
        Files.writeString(folder.resolve("Model.java"), "final class Modle {}");
        assertThatThrownBy(() -> new TemplateFolder(folder).check(base))
                .hasMessageContaining("Model.java: declares no class Model");
    }

    @Test
    void anEmptyFolderAndAnAbsentOneAreTold() {
        assertThatThrownBy(() -> new TemplateFolder(folder).check(base)).hasMessageContaining("has no Model.java");
        assertThatThrownBy(() -> new TemplateFolder(folder.resolve("gone"))).hasMessageContaining("is not a folder");
    }
}
