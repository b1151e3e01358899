package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.TemplateException;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.TinyPipeline;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A Template may come compiled, for a Java without a compiler.
class JarTemplateTest {

    private static final List<String> CLASSES = List.of("Model.class", "Model$Input.class", "Model$Net.class");

    @TempDir
    Path folder;

    /// Compiles a source in memory and packs its classes.
    private void jar(ModelSource source, List<String> names) throws IOException {
        ClassLoader compiled = SourceCompiler.compile(
                CodeFile.read(Files.writeString(folder.resolve("Model.java"), source.text()), TrustedCode.OWN));
        Files.delete(folder.resolve("Model.java"));
        try (OutputStream file = Files.newOutputStream(folder.resolve("model.jar"));
                JarOutputStream jar = new JarOutputStream(file)) {
            for (String name : names) {
                jar.putNextEntry(new JarEntry(name));
                try (InputStream content = compiled.getResourceAsStream(name)) {
                    assertThat(content).isNotNull();
                    jar.write(content.readAllBytes());
                }
            }
        }
    }

    @Test
    void classesOfAJarAreLoaded() throws IOException {
        jar(ModelSource.GOOD, CLASSES);
        try (Flux2Pipeline base = TinyPipeline.transformerOnly();
                LoadedTemplate<?, ?> template = new TemplateFolder(folder).load(base)) {
            assertThat(template.model().getClass().getName()).isEqualTo("Model$Net");
            Files.delete(folder.resolve("model.jar")); // no handle is kept
        }
    }

    @Test
    void whatTheCodeOfAJarThrowsIsToldWithClassAndLine() throws IOException {
        jar(ModelSource.GOOD.with("return in;", "throw new IllegalStateException(\"odd\");"), CLASSES);
        try (Flux2Pipeline base = TinyPipeline.transformerOnly();
                LoadedTemplate<?, ?> template = new TemplateFolder(folder).load(base)) {
            ObjectNode fields = JsonNodeFactory.instance.objectNode().put("scale", 1);
            assertThatThrownBy(() -> template.bindRow(fields, folder).process(base))
                    .isInstanceOf(TemplateException.class)
                    .hasMessage(
                            "%s: processInputs() threw IllegalStateException: odd (at Model$Net.processInputs, Model.java:12)",
                            folder.resolve("model.jar"));
        }
    }

    @Test
    void ofSourceAndJarOneMustGo() throws IOException {
        jar(ModelSource.GOOD, CLASSES);
        TemplateFolder template = ModelSource.GOOD.in(folder);
        assertThatThrownBy(template::describeInputs)
                .isInstanceOf(TemplateException.class)
                .hasMessage(folder + ": holds both Model.java and model.jar; remove the one that is not meant");
    }

    @Test
    void aJarWithoutTheEntryPointIsTold() throws IOException {
        jar(ModelSource.GOOD, List.of("Model$Input.class"));
        assertThatThrownBy(() -> new TemplateFolder(folder).describeInputs())
                .hasMessageContaining("model.jar: declares no class Model in the default package");
    }

    @Test
    void aJarThatLacksAClassIsTold() throws IOException {
        jar(ModelSource.GOOD, List.of("Model.class"));
        assertThatThrownBy(() -> new TemplateFolder(folder).describeInputs())
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("model.jar: class Model or a class that it needs cannot be loaded")
                .hasMessageContaining("Model$Input");
    }

    @Test
    void whatIsNoJarIsTold() throws IOException {
        Files.writeString(folder.resolve("model.jar"), "no jar");
        assertThatThrownBy(() -> new TemplateFolder(folder).describeInputs())
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("model.jar: is not a readable jar file");
    }
}
