package io.stencil.template.load;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.TemplateException;
import io.stencil.json.TextFile;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;

/// Compiles one Java source file in memory against the class path of this process.
///
/// The classes of the last few sources are kept, since the compiler takes longer than everything else about a Template;
/// each loader defines its own classes from them.
final class SourceCompiler {

    private static final int KEPT_SOURCES = 32;

    private static final Map<Compilation, Map<String, byte[]>> KEPT =
            new LinkedHashMap<>(/* initialCapacity= */ 64, 0.75f, /* accessOrder= */ true) {
                @Override
                protected boolean removeEldestEntry(Map.Entry<Compilation, Map<String, byte[]>> eldest) {
                    return size() > KEPT_SOURCES;
                }
            };

    /// Everything that the classes of a source follow from, within one process.
    private record Compilation(String fileName, String text, String classPath) {}

    private SourceCompiler() {}

    /// A loader of the classes of `source`; nothing is written to the disk.
    ///
    /// @throws TemplateException with file, line, column and text of the first compile error, or when this Java has no
    ///     compiler
    static ClassLoader compile(CodeFile source) {
        return compile(source, ToolProvider.getSystemJavaCompiler());
    }

    /// @param compiler null on a Java that has none
    static ClassLoader compile(CodeFile code, @Nullable JavaCompiler compiler) {
        Path source = code.path();
        if (compiler == null) {
            throw new TemplateException(
                    source, "cannot be compiled: this Java has no compiler; run on a JDK, or give model.jar instead");
        }
        Compilation compilation = new Compilation(String.valueOf(source.getFileName()), text(code), classPath());
        synchronized (KEPT) {
            Map<String, byte[]> kept = KEPT.get(compilation);
            if (kept != null) {
                return new TemplateClassLoader(kept);
            }
        }
        Map<String, byte[]> classes = classes(source, compilation, compiler);
        synchronized (KEPT) {
            KEPT.put(compilation, classes);
        }
        return new TemplateClassLoader(classes);
    }

    private static Map<String, byte[]> classes(Path source, Compilation compilation, JavaCompiler compiler) {
        DiagnosticCollector<JavaFileObject> diagnostics = new DiagnosticCollector<>();
        try (StandardJavaFileManager standard =
                        compiler.getStandardFileManager(diagnostics, Locale.ROOT, StandardCharsets.UTF_8);
                ClassesInMemory classes = new ClassesInMemory(standard)) {
            List<String> options =
                    List.of("-classpath", compilation.classPath(), "-g", "-parameters", "-proc:none", "-Xlint:none");
            boolean compiled = compiler.getTask(
                            null, classes, diagnostics, options, null, List.of(new Source(compilation)))
                    .call();
            if (!compiled) {
                throw fault(source, diagnostics.getDiagnostics());
            }
            return classes.files();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// The class path of the process, and the jars of a class loader that was given its own, as servers do.
    private static String classPath() {
        List<String> entries = new ArrayList<>();
        entries.add(System.getProperty("java.class.path"));
        ClassLoader loader = SourceCompiler.class.getClassLoader();
        while (loader != null) {
            if (loader instanceof URLClassLoader jars) {
                Stream.of(jars.getURLs())
                        .filter(url -> url.getProtocol().equals("file"))
                        .forEach(url ->
                                entries.add(Path.of(URI.create(url.toString())).toString()));
            }
            loader = loader.getParent();
        }
        return String.join(File.pathSeparator, entries);
    }

    private static String text(CodeFile code) {
        try {
            return TextFile.withoutMark(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(code.content()))
                    .toString());
        } catch (CharacterCodingException e) {
            throw new InvalidFileException(Location.of(code.path()), "is not UTF-8 text; save it as UTF-8", e);
        }
    }

    private static TemplateException fault(Path source, List<Diagnostic<? extends JavaFileObject>> diagnostics) {
        List<Diagnostic<? extends JavaFileObject>> errors = diagnostics.stream()
                .filter(one -> one.getKind() == Diagnostic.Kind.ERROR)
                .toList();
        if (errors.isEmpty()) {
            return new TemplateException(source, "does not compile");
        }
        Diagnostic<? extends JavaFileObject> first = errors.getFirst();
        String text = first.getMessage(Locale.ROOT)
                .lines()
                .map(String::strip)
                .reduce((a, b) -> a + "; " + b)
                .orElse("");
        int others = errors.size() - 1;
        String more = others == 0 ? "" : " (and %s more error%s)".formatted(others, others == 1 ? "" : "s");
        if (first.getSource() == null) {
            return new TemplateException(source, text + more);
        }
        return new TemplateException(
                Location.of(source, Math.toIntExact(first.getLineNumber())),
                "column %s: %s%s".formatted(first.getColumnNumber(), text, more));
    }

    private static final class Source extends SimpleJavaFileObject {
        private final String text;

        Source(Compilation compilation) {
            super(URI.create("memory:///" + compilation.fileName()), Kind.SOURCE);
            this.text = compilation.text();
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }

    /// Keeps what the compiler writes in memory.
    private static final class ClassesInMemory extends ForwardingJavaFileManager<JavaFileManager> {

        private final Map<String, ByteArrayOutputStream> classes = new HashMap<>();

        ClassesInMemory(JavaFileManager standard) {
            super(standard);
        }

        @Override
        public JavaFileObject getJavaFileForOutput(
                JavaFileManager.Location location, String className, JavaFileObject.Kind kind, FileObject sibling) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            String path = className.replace('.', '/') + kind.extension;
            classes.put(path, bytes);
            return new SimpleJavaFileObject(URI.create("memory:///" + path), kind) {
                @Override
                public OutputStream openOutputStream() {
                    return bytes;
                }
            };
        }

        /// Content of the classes that were written, by path.
        Map<String, byte[]> files() {
            Map<String, byte[]> files = new HashMap<>();
            classes.forEach((path, stream) -> files.put(path, stream.toByteArray()));
            return files;
        }
    }
}
