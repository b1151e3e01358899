package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What README shows compiles, and is what lies in the tree.
class ReadmeTest {

    private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @TempDir
    private Path folder;

    private static List<String> snippets() throws IOException {
        Matcher matcher = JAVA.matcher(Files.readString(TestFiles.root().resolve("README.md")));
        List<String> snippets = new ArrayList<>();
        while (matcher.find()) {
            snippets.add(matcher.group(1));
        }
        return snippets;
    }

    @Test
    void theJavaExampleCompilesAsItStands() throws IOException {
        String source = snippets().getFirst();
        StringWriter diagnostics = new StringWriter();
        boolean compiled = ToolProvider.getSystemJavaCompiler()
                .getTask(
                        diagnostics,
                        null,
                        null,
                        List.of("-d", folder.toString(), "-classpath", System.getProperty("java.class.path")),
                        null,
                        List.of(
                                new SimpleJavaFileObject(
                                        URI.create("string:///Example.java"), JavaFileObject.Kind.SOURCE) {
                                    @Override
                                    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                                        return source;
                                    }
                                }))
                .call();
        assertThat(compiled).as(diagnostics.toString()).isTrue();
    }

    @Test
    void theTemplateExampleIsThatOfTheTree() throws IOException {
        String model = squeezed(Files.readString(TestFiles.root().resolve("examples/brightness/Model.java")));
        List<String> lines = snippets().get(1).lines().map(ReadmeTest::squeezed).toList();
        assertThat(lines).hasSizeGreaterThan(5);
        assertThat(lines).allSatisfy(line -> assertThat(model).contains(line));
    }

    /// Without comments and white space.
    private static String squeezed(String source) {
        return source.replaceAll("//.*", "").replaceAll("\\s+", "");
    }
}
