package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.TestFiles;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/// The classes that the launcher rewrites so that the JDK archives them.
class NewerClassesTest {

    private static final String NAME = "picocli/CommandLine.class";

    @TempDir
    private Path folder;

    private static int version(ClassLoader classes) throws Exception {
        try (InputStream file = Objects.requireNonNull(classes.getResourceAsStream(NAME))) {
            return ClassFile.of().parse(file.readAllBytes()).majorVersion();
        }
    }

    @Test
    void rewrittenClassesAreVerifiedAndWork() throws Exception {
        Path jar = folder.resolve("picocli.jar");
        Path old = Path.of(CommandLine.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        TestFiles.root().resolve("scripts/NewerClasses.java").toString(),
                        old.toString(),
                        jar.toString())
                .inheritIO()
                .start();
        assertThat(process.waitFor()).isZero();

        ClassLoader platform = ClassLoader.getPlatformClassLoader();
        try (URLClassLoader before = new URLClassLoader(new URL[] {old.toUri().toURL()}, platform);
                URLClassLoader after = new URLClassLoader(new URL[] {jar.toUri().toURL()}, platform)) {
            assertThat(version(before)).isLessThan(ClassFile.JAVA_6_VERSION);
            assertThat(version(after)).isEqualTo(ClassFile.JAVA_21_VERSION);
            assertThat(usage(after)).isEqualTo(usage(before)).contains("--help");
        }
    }

    /// Usage of picocli's own help command, by the classes of a loader.
    private static String usage(ClassLoader classes) throws Exception {
        Class<?> type = classes.loadClass("picocli.CommandLine");
        Object command = type.getConstructor(Object.class)
                .newInstance(classes.loadClass("picocli.CommandLine$HelpCommand")
                        .getConstructor()
                        .newInstance());
        return (String) type.getMethod("getUsageMessage").invoke(command);
    }
}
