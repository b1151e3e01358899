package io.stencil.template.load;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.jspecify.annotations.Nullable;

/// Loads a Template's classes from memory, over Stencil's own.
///
/// Classes of the default package are looked for here first: another class named `Model` on the class path of the
/// process must not take the place of the Template's.
final class TemplateClassLoader extends ClassLoader {

    private final Map<String, byte[]> files;

    /// @param files content by path, such as `Model$Input.class`
    TemplateClassLoader(Map<String, byte[]> files) {
        super(AuthorLine.LOADER, TemplateClassLoader.class.getClassLoader());
        this.files = Map.copyOf(files);
    }

    /// Reads the compiled classes of a `model.jar` as a whole, so that the file is not held open.
    ///
    /// @throws InvalidFileException when the file is no jar
    static ClassLoader ofJar(CodeFile jar) {
        Map<String, byte[]> files = new HashMap<>();
        try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(jar.content()))) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                if (!entry.isDirectory()) {
                    files.put(entry.getName(), zip.readAllBytes());
                }
            }
        } catch (IOException | IllegalArgumentException e) {
            throw new InvalidFileException(
                    Location.of(jar.path()),
                    "is not a readable jar file (%s); build it again".formatted(e.getMessage()),
                    e);
        }
        if (files.isEmpty()) {
            throw new InvalidFileException(jar.path(), "is not a readable jar file (no files in it); build it again");
        }
        return new TemplateClassLoader(files);
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (name.contains(".") || !files.containsKey(path(name))) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            return loaded == null ? findClass(name) : loaded;
        }
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        byte[] bytes = files.get(path(name));
        if (bytes == null) {
            throw new ClassNotFoundException(name);
        }
        return defineClass(name, bytes, 0, bytes.length);
    }

    @Override
    public @Nullable InputStream getResourceAsStream(String name) {
        byte[] bytes = files.get(name);
        return bytes == null ? super.getResourceAsStream(name) : new ByteArrayInputStream(bytes);
    }

    private static String path(String className) {
        return className.replace('.', '/') + ".class";
    }
}
