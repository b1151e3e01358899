package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.TemplateException;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.tools.JavaCompiler;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SourceCompilerTest {

    @TempDir
    Path folder;

    private Path source(String text) throws IOException {
        return Files.writeString(folder.resolve("Model.java"), text);
    }

    @Test
    void theFirstErrorIsToldWithLineAndColumnAndTheOthersAreCounted() throws IOException {
        Path source = source("""
                public final class Model {
                    int one() { return missing; }
                    int two() { return "text"; }
                    int three() { return 0.5; }
                }
                """);
        assertThatThrownBy(() -> SourceCompiler.compile(CodeFile.read(source, TrustedCode.OWN)))
                .isInstanceOf(TemplateException.class)
                .hasMessageStartingWith(source + ":2: column 24: cannot find symbol")
                .hasMessageContaining("variable missing")
                .hasMessageEndingWith("(and 2 more errors)")
                .hasMessageNotContaining("\n");
    }

    @Test
    void oneErrorMoreIsOneError() throws IOException {
        Path source = source("class Model { Gone a; Lost b; }");
        assertThatThrownBy(() -> SourceCompiler.compile(CodeFile.read(source, TrustedCode.OWN)))
                .hasMessageEndingWith("(and 1 more error)");
    }

    @Test
    void nothingIsWrittenToTheDisk() throws IOException, ReflectiveOperationException {
        Path source = source("public class Model { public static class Inner {} public record Row(int x) {} }");
        ClassLoader loader = SourceCompiler.compile(CodeFile.read(source, TrustedCode.OWN));
        Class<?> row = loader.loadClass("Model$Row");
        assertThat(row.getDeclaredConstructors()[0].getParameters()[0].getName())
                .isEqualTo("x");
        assertThat(row.getClassLoader()).isSameAs(loader);
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(source);
        }
    }

    /// The second loader comes without a compiler, and its classes are its own.
    @Test
    void aSourceIsCompiledOnceAndLoadedAnewEachTime() throws IOException, ReflectiveOperationException {
        CodeFile code = CodeFile.read(source("public class Model { public static int count; }"), TrustedCode.OWN);
        JavaCompiler none = (JavaCompiler) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {JavaCompiler.class}, (_, method, _) -> {
                    throw new AssertionError(method + " is called");
                });
        Class<?> first = SourceCompiler.compile(code).loadClass("Model");
        Class<?> second = SourceCompiler.compile(code, none).loadClass("Model");
        first.getField("count").setInt(null, 7);
        assertThat(second).isNotSameAs(first);
        assertThat(second.getField("count").getInt(null)).isZero();

        CodeFile changed = CodeFile.read(source("public class Model { public static int total; }"), TrustedCode.OWN);
        assertThat(SourceCompiler.compile(changed).loadClass("Model")).hasPublicFields("total");
    }

    @Test
    void warningsAndAnnotationsOfTheAuthorDoNotMatter() throws IOException, ReflectiveOperationException {
        Path source = source("""
                import org.jspecify.annotations.Nullable;
                public class Model {
                    @Deprecated public java.util.List raw(@Nullable Object x) { return (java.util.List) x; }
                }
                """);
        assertThat(SourceCompiler.compile(CodeFile.read(source, TrustedCode.OWN))
                        .loadClass("Model"))
                .hasDeclaredMethods("raw");
    }

    @Test
    void aJavaWithoutACompilerIsToldWhatToDo() throws IOException {
        Path source = source("public class Model {}");
        assertThatThrownBy(() -> SourceCompiler.compile(CodeFile.read(source, TrustedCode.OWN), null))
                .isInstanceOf(TemplateException.class)
                .hasMessage(
                        "%s: cannot be compiled: this Java has no compiler; run on a JDK, or give model.jar instead",
                        source);
    }

    @Test
    void aSourceThatIsNoTextIsTold() throws IOException {
        Path source = folder.resolve("Model.java");
        Files.write(source, new byte[] {(byte) 0xff, (byte) 0xfe, 0});
        assertThatThrownBy(() -> SourceCompiler.compile(CodeFile.read(source, TrustedCode.OWN)))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(source + ": is not UTF-8 text; save it as UTF-8");
    }
}
