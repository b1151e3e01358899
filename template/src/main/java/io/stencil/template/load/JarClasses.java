package io.stencil.template.load;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/// The compiled classes of a `model.jar`, read as a whole so that the file is not held open.
final class JarClasses {

    private JarClasses() {}

    /// @throws InvalidFileException when the file is no jar
    static ClassLoader loader(CodeFile jar) {
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
}
