package io.stencil.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// The tiny base model with prompts of 32 tokens in place of 512, for tests that compare runs with each other and not
/// with a golden: most of the time of a tiny run goes into the tokens of its prompt.
public final class ShortPrompts {

    private static final List<String> PARTS = List.of("transformer", "vae", "text_encoder", "tokenizer");

    private static final Path SHARED = shared();

    private ShortPrompts() {}

    /// The model's folder, which all tests of this JVM share; its weights are links.
    public static Path model() {
        return SHARED;
    }

    private static Path shared() {
        try {
            Path folder = Files.createTempDirectory("short-prompts");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
            for (String part : PARTS) {
                Path copy = Files.createDirectory(folder.resolve(part));
                try (Stream<Path> files = Files.list(TestFiles.tinyModel(part))) {
                    for (Path file : files.toList()) {
                        Files.createSymbolicLink(copy.resolve(file.getFileName()), file.toAbsolutePath());
                    }
                }
            }
            Path config = folder.resolve("text_encoder/config.json");
            Files.delete(config);
            String json = Files.readString(TestFiles.tinyModel("text_encoder/config.json"));
            Files.writeString(config, json.replaceFirst("\\{", "{\"max_sequence_length\": 32,"));
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.toList().reversed()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
