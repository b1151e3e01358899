package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.JavaExample;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What README shows compiles, and is what lies in the tree.
class ReadmeTest {

    @TempDir
    private Path folder;

    private static List<String> snippets() throws IOException {
        return JavaExample.blocks("README.md", "java");
    }

    @Test
    void theJavaExampleCompilesAsItStands() throws IOException {
        JavaExample.compile("Example", snippets().getFirst(), folder);
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
