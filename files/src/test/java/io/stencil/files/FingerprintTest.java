package io.stencil.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FingerprintTest {

    @TempDir
    private Path folder;

    private static void put(Path file, long at, int value) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {(byte) value}), at);
        }
    }

    @Test
    void aSmallFileHasTheSumOfSha256sum() throws IOException {
        Path file = Files.writeString(folder.resolve("a"), "abc");
        assertThat(Fingerprint.of(file))
                .isEqualTo("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    /// Length, first and last byte and what lies in the blocks between count.
    @Test
    void aLargeFileIsSampled() throws IOException {
        Path file = folder.resolve("a");
        long size = 40L << 20;
        put(file, size - 1, 0);
        String before = Fingerprint.of(file);
        assertThat(before).startsWith("sampled:").isEqualTo(Fingerprint.of(file));
        long stride = (size - 4096) / 255;
        for (long at : new long[] {0, stride * 100 + 4095, size - 1}) {
            put(file, at, 7);
            assertThat(Fingerprint.of(file)).as("byte %s", at).isNotEqualTo(before);
            put(file, at, 0);
            assertThat(Fingerprint.of(file)).isEqualTo(before);
        }
        put(file, size, 0);
        assertThat(Fingerprint.of(file)).isNotEqualTo(before);
    }

    @Test
    void aLinkToAFolderIsThatFolder() throws IOException {
        Path model = Files.createDirectory(folder.resolve("model"));
        Files.writeString(model.resolve("Model.java"), "class Model {}");
        Path link = Files.createSymbolicLink(folder.resolve("link"), model);
        String before = Fingerprint.of(link);
        assertThat(before).isEqualTo(Fingerprint.of(model));

        Files.writeString(model.resolve("Model.java"), "class Model { int changed; }");

        assertThat(Fingerprint.of(link)).isEqualTo(Fingerprint.of(model)).isNotEqualTo(before);
    }

    /// Code, configuration and weights make a model; a README, hidden files and images do not.
    @Test
    void aFolderIsWhatMakesAModel() throws IOException {
        Files.writeString(folder.resolve("Model.java"), "class Model {}");
        Files.writeString(Files.createDirectory(folder.resolve("parts")).resolve("a.safetensors"), "1");
        String before = Fingerprint.of(folder);
        Files.writeString(folder.resolve("README.md"), "a Template");
        Files.writeString(folder.resolve(".hidden.safetensors"), "2");
        Files.writeString(folder.resolve("parts/b.json"), "{}");
        assertThat(Fingerprint.of(folder)).startsWith("folder:").isEqualTo(before);

        Files.writeString(folder.resolve("parts/a.safetensors"), "2");
        String weights = Fingerprint.of(folder);
        Files.writeString(folder.resolve("Model.java"), "class Model { }");
        assertThat(weights).isNotEqualTo(before).isNotEqualTo(Fingerprint.of(folder));
    }

    @Test
    void onlyFilesAndFoldersHaveOne() {
        assertThatThrownBy(() -> Fingerprint.of(folder.resolve("absent")))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("absent: no such file or folder");
        assertThatThrownBy(() -> Fingerprint.of(Path.of("/dev/zero"))).isInstanceOf(InvalidFileException.class);
    }
}
