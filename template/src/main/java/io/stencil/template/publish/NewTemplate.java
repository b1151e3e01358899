package io.stencil.template.publish;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.files.AtomicFolder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Objects;

/// Writes a folder with a Template to begin from, which compiles and trains as it is, with a README about both.
public final class NewTemplate {

    private static final String README = "README.md";

    private NewTemplate() {}

    /// @param folder that is made, or is there and empty
    /// @throws io.stencil.error.StencilException when it is not empty or cannot be written
    public static void write(Path folder, TemplateFamily family) {
        Path name = folder.toAbsolutePath().normalize().getFileName();
        if (name == null) {
            throw new InvalidRequestException("NAME", "'%s' is not the name of a directory".formatted(folder));
        }
        try {
            AtomicFolder.requireFree(folder);
            AtomicFile.writeText(folder.resolve("Model.java"), resource(family.option() + "/Model.java"));
            AtomicFile.writeText(
                    folder.resolve(README),
                    resource(README)
                            .replace("@NAME@", name.toString())
                            .replace("@FOLDER@", folder.toString())
                            .replace("@SUMMARY@", family.summary())
                            .replace("@INPUT@", family.exampleInput()));
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be written: " + e, e);
        }
    }

    private static String resource(String name) throws IOException {
        try (InputStream in = Objects.requireNonNull(NewTemplate.class.getResourceAsStream(name), name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
