package io.stencil.template.publish;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.template.load.TemplateFolder;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPath;
import javax.xml.xpath.XPathFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.w3c.dom.Document;

/// The folder that an author opens in an IDE.
class TemplateFamilyTest {

    @TempDir
    private Path temporary;

    @ParameterizedTest
    @EnumSource
    void aNewFolderIsAMavenProjectWhoseSourceCompiles(TemplateFamily family) throws Exception {
        Path folder = temporary.resolve("My Template & more");
        family.write(folder, "7.8.9-SNAPSHOT");

        Document pom = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(folder.resolve("pom.xml").toFile());
        XPath path = XPathFactory.newInstance().newXPath();
        assertThat(path.evaluate("/project/modelVersion", pom)).isEqualTo("4.0.0");
        assertThat(path.evaluate("/project/artifactId", pom)).isEqualTo("My-Template-more");
        assertThat(path.evaluate("/project/properties/maven.compiler.release", pom))
                .isEqualTo("25");
        assertThat(path.evaluate("/project/dependencies/dependency[groupId='io.stencil']/artifactId", pom))
                .isEqualTo("stencil-template");
        assertThat(path.evaluate("/project/dependencies/dependency/version", pom))
                .isEqualTo("7.8.9-SNAPSHOT");
        assertThat(path.evaluate("/project/build/sourceDirectory", pom)).isEqualTo("${project.basedir}");
        requireCompiles(folder.resolve(path.evaluate("/project/build/plugins/plugin//include", pom)));

        assertThat(new TemplateFolder(folder).describeInputs()).isPresent();
    }

    private void requireCompiles(Path source) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter output = new StringWriter();
        Path classes = Files.createDirectories(temporary.resolve("classes"));
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            boolean compiled = compiler.getTask(
                            output,
                            files,
                            null,
                            List.of(
                                    "--release",
                                    "25",
                                    "-proc:none",
                                    "-d",
                                    classes.toString(),
                                    "-classpath",
                                    System.getProperty("java.class.path")),
                            null,
                            files.getJavaFileObjects(source))
                    .call();
            assertThat(compiled).as(output.toString()).isTrue();
        }
        assertThat(classes.resolve("Model.class")).exists();
    }
}
