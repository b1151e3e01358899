package io.stencil.template.publish;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.files.AtomicFile;
import io.stencil.files.AtomicFolder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;

/// The families that a new Template can begin as.
public enum TemplateFamily {
    VALUE("value", "One number becomes keys and values for every block.", "{\"scale\": 0.8}"),
    IMAGE_KV("image-kv", "An image becomes keys and values for every block.", "{\"image\": \"reference.png\"}"),
    LORA("lora", "One number is the strength of a trained LoRA.", "{\"scale\": 0.8}"),
    TEXT("text", "One number becomes words that are appended to the prompt.", "{\"scale\": 0.8}");

    private static final String README = "README.md";
    private static final String POM = "pom.xml";

    private final String option;
    private final String summary;
    private final String exampleInput;

    TemplateFamily(String option, String summary, String exampleInput) {
        this.option = option;
        this.summary = summary;
        this.exampleInput = exampleInput;
    }

    /// Its name on the command line, and of its folder of resources.
    public String option() {
        return option;
    }

    /// @throws InvalidRequestException for a name that is not known
    public static TemplateFamily parse(String name) {
        for (TemplateFamily family : values()) {
            if (family.option.equals(name)) {
                return family;
            }
        }
        String known =
                NameList.of(Arrays.stream(values()).map(TemplateFamily::option).toList());
        throw new InvalidRequestException("family", "'%s' is not a family; expected one of %s".formatted(name, known));
    }

    /// Writes a folder with a Template to begin from, which compiles and trains as it is, with a README about both
    /// and a `pom.xml`, by which an IDE opens it.
    ///
    /// @param folder that is made, or is there and empty
    /// @param version of Stencil, on which the `pom.xml` depends
    /// @throws io.stencil.error.StencilException when it is not empty or cannot be written
    public void write(Path folder, String version) {
        Path name = folder.toAbsolutePath().normalize().getFileName();
        if (name == null) {
            throw new InvalidRequestException("NAME", "'%s' is not the name of a directory".formatted(folder));
        }
        try {
            AtomicFolder.requireFree(folder);
            AtomicFile.writeText(folder.resolve("Model.java"), resource(option + "/Model.java"));
            AtomicFile.writeText(
                    folder.resolve(POM),
                    resource(POM).replace("@ARTIFACT@", artifact(name)).replace("@VERSION@", version));
            AtomicFile.writeText(
                    folder.resolve(README),
                    resource(README)
                            .replace("@NAME@", name.toString())
                            .replace("@FOLDER@", folder.toString())
                            .replace("@SUMMARY@", summary)
                            .replace("@INPUT@", exampleInput));
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be written: " + e, e);
        }
    }

    /// The folder's name in the characters that Maven allows.
    private static String artifact(Path name) {
        String allowed = name.toString().replaceAll("[^A-Za-z0-9_.-]+", "-").replaceAll("^[-.]+|[-.]+$", "");
        return allowed.isEmpty() ? "template" : allowed;
    }

    private static String resource(String name) throws IOException {
        try (InputStream in = Objects.requireNonNull(TemplateFamily.class.getResourceAsStream(name), name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
