package io.stencil.files;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/// Identifies the content of model files within milliseconds, also where they have gigabytes.
///
/// - A file of at most 16 MiB: `sha256:` and the SHA-256 of its content, as `sha256sum` prints it.
/// - A larger file: `sampled:` and the SHA-256 of its length (8 bytes, big-endian) and of 256 blocks of 4 KiB, evenly
///   spaced from the first to the last. Another training, dtype, quantization or merge changes almost every block; a
///   change of single values in a large file may stay unseen.
/// - A folder: `folder:` and the SHA-256 of the lines `NAME HASH` of the files that make a model: `Model.java`,
///   `model.jar` and `*.json` in it, `*.safetensors` and `*.gguf` also in folders in it.
public final class Fingerprint {

    private static final long WHOLE = 16L << 20;
    private static final int BLOCKS = 256;
    private static final int BLOCK = 4096;
    private static final int DEPTH = 3;
    private static final Set<String> CODE = Set.of("Model.java", "model.jar");

    private Fingerprint() {}

    /// Fingerprints a file or folder.
    ///
    /// @throws InvalidFileException when it is absent, neither a regular file nor a folder, or cannot be read
    public static String of(Path path) {
        try {
            if (Files.isDirectory(path)) {
                return ofFolder(path);
            }
            if (!Files.isRegularFile(path)) {
                throw new InvalidFileException(path, "no such file or folder");
            }
            long size = Files.size(path);
            return size <= WHOLE ? "sha256:" + Sha256.of(path) : sampled(path, size);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(path), "cannot be read: " + e, e);
        }
    }

    private static String sampled(Path file, long size) throws IOException {
        MessageDigest digest = Sha256.digest();
        digest.update(ByteBuffer.allocate(Long.BYTES).putLong(0, size));
        ByteBuffer block = ByteBuffer.allocate(BLOCK);
        try (FileChannel channel = FileChannel.open(file)) {
            for (int i = 0; i < BLOCKS; i++) {
                long at = (size - BLOCK) / (BLOCKS - 1) * i;
                if (i == BLOCKS - 1) {
                    at = size - BLOCK;
                }
                block.clear();
                while (block.hasRemaining()) {
                    if (channel.read(block, at + block.position()) < 0) {
                        throw new IOException("the file became shorter while it was read");
                    }
                }
                digest.update(block.flip());
            }
        }
        return "sampled:" + Sha256.hex(digest);
    }

    /// @param named a folder, or a link to one, which a walk would not enter
    private static String ofFolder(Path named) throws IOException {
        Path folder = named.toRealPath();
        List<Path> files;
        try (Stream<Path> walk = Files.walk(folder, DEPTH)) {
            files = walk.filter(Files::isRegularFile)
                    .filter(file -> makesModel(folder, file))
                    .sorted()
                    .toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        StringBuilder lines = new StringBuilder();
        for (Path file : files) {
            String name = folder.relativize(file).toString().replace('\\', '/');
            lines.append(name).append(' ').append(of(file)).append('\n');
        }
        return "folder:" + Sha256.of(lines.toString().getBytes(StandardCharsets.UTF_8));
    }

    private static boolean makesModel(Path folder, Path file) {
        String name = file.getFileName().toString();
        boolean weights = name.endsWith(".safetensors") || name.endsWith(".gguf");
        boolean inFolder = folder.relativize(file).getNameCount() == 1;
        return !name.startsWith(".") && (weights || (inFolder && (CODE.contains(name) || name.endsWith(".json"))));
    }
}
