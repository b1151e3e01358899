package io.stencil.template.load;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/// The compiled classes of a `model.jar`, read as a whole so that the file is not held open.
final class JarClasses {

    private JarClasses() {}

    /// @throws InvalidFileException when the file is no jar
    static ClassLoader loader(Path jar) {
        Map<String, byte[]> files = new HashMap<>();
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            for (ZipEntry entry : zip.stream().toList()) {
                if (!entry.isDirectory()) {
                    try (InputStream content = zip.getInputStream(entry)) {
                        files.put(entry.getName(), content.readAllBytes());
                    }
                }
            }
        } catch (IOException e) {
            throw new InvalidFileException(
                    Location.of(jar), "is no jar that can be read (%s); build it again".formatted(e.getMessage()), e);
        }
        return new TemplateClassLoader(files);
    }
}
