package io.stencil.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringWriter;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/// Compiles the examples of the documentation as they stand, on the class path of the test, and runs them.
public final class JavaExample {

    private static final Pattern OF_TREE = Pattern.compile("Path\\.of\\(\"((?:models|examples)/[^\"]+)\"\\)");
    private static final Pattern OF_OUTPUT = Pattern.compile("Path\\.of\\(\"([^\"/]+\\.png)\"\\)");

    private JavaExample() {}

    /// Returns the fenced blocks of a language in a Markdown file of the tree, in their order.
    public static List<String> blocks(String file, String language) throws IOException {
        Matcher matcher = Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(TestFiles.root().resolve(file)));
        return matcher.results().map(block -> block.group(1)).toList();
    }

    /// Returns the Java block of a Markdown file that holds a word.
    public static String block(String file, String word) throws IOException {
        List<String> found = blocks(file, "java").stream()
                .filter(block -> block.contains(word))
                .toList();
        assertThat(found).as("Java blocks of %s with '%s'", file, word).hasSize(1);
        return found.getFirst();
    }

    /// Puts the folders of the tree, and a folder for what is written, in place of the relative paths in a source.
    public static String placed(String source, Path output) {
        String placed = OF_TREE.matcher(source)
                .replaceAll(path -> "Path.of(\"" + quoted(TestFiles.root().resolve(path.group(1))) + "\")");
        return OF_OUTPUT
                .matcher(placed)
                .replaceAll((MatchResult path) -> "Path.of(\"" + quoted(output.resolve(path.group(1))) + "\")");
    }

    private static String quoted(Path path) {
        return Matcher.quoteReplacement(path.toString());
    }

    /// Compiles a source into a folder.
    ///
    /// @param name of its class
    public static void compile(String name, String source, Path folder) {
        StringWriter diagnostics = new StringWriter();
        boolean compiled = ToolProvider.getSystemJavaCompiler()
                .getTask(
                        diagnostics,
                        null,
                        null,
                        List.of(
                                "-proc:none",
                                "-parameters",
                                "-d",
                                folder.toString(),
                                "-classpath",
                                System.getProperty("java.class.path")),
                        null,
                        List.of(
                                new SimpleJavaFileObject(
                                        URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE) {
                                    @Override
                                    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                                        return source;
                                    }
                                }))
                .call();
        assertThat(compiled).as(diagnostics.toString()).isTrue();
    }

    /// Compiles a source and runs its `main` in this process.
    ///
    /// @param name of its class, with its package
    /// @param classes folder for the class files
    public static void run(String name, String source, Path classes, String... arguments) throws Exception {
        compile(name.substring(name.lastIndexOf('.') + 1), source, classes);
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        try (URLClassLoader loader =
                new URLClassLoader(new URL[] {classes.toUri().toURL()}, JavaExample.class.getClassLoader())) {
            thread.setContextClassLoader(loader);
            Class<?> type = loader.loadClass(name);
            boolean hasArguments = source.contains("main(String[] ");
            Method main =
                    hasArguments ? type.getDeclaredMethod("main", String[].class) : type.getDeclaredMethod("main");
            main.setAccessible(true);
            Constructor<?> constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            Object receiver = Modifier.isStatic(main.getModifiers()) ? null : constructor.newInstance();
            main.invoke(receiver, hasArguments ? new Object[] {arguments} : new Object[0]);
        } finally {
            thread.setContextClassLoader(before);
        }
    }
}
