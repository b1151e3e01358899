package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Texts of images that others made: each kind of chunk is read, and what is too long is refused.
class ImageTextsTest {

    @TempDir
    private Path folder;

    /// A PNG file with one more chunk behind its header.
    private Path png(String type, byte[] data) throws IOException {
        byte[] plain = RgbImageWriter.encode(RgbImage.filled(new ImageSize(2, 2), 0), ImageFormat.PNG, null);
        int header = 8 + 12 + 13;
        ByteBuffer file = ByteBuffer.allocate(plain.length + 12 + data.length);
        file.put(plain, 0, header).putInt(data.length);
        byte[] chunk = joined(type.getBytes(StandardCharsets.ISO_8859_1), data);
        CRC32 sum = new CRC32();
        sum.update(chunk);
        file.put(chunk).putInt((int) sum.getValue()).put(plain, header, plain.length - header);
        return Files.write(folder.resolve("a.png"), file.array());
    }

    private static byte[] joined(byte[] first, byte[] second) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(first);
        bytes.writeBytes(second);
        return bytes.toByteArray();
    }

    private static byte[] latin(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static byte[] compressed(byte[] text) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DeflaterOutputStream deflater = new DeflaterOutputStream(bytes)) {
            deflater.write(text);
        }
        return bytes.toByteArray();
    }

    @Test
    void eachKindOfChunkIsRead() throws IOException {
        assertThat(ImageTexts.read(png("tEXt", latin("parameters\0caf\u00e9"))))
                .hasValue(new ImageTexts("caf\u00e9", ""));
        assertThat(ImageTexts.read(png("zTXt", joined(latin("parameters\0\0"), compressed(latin("caf\u00e9"))))))
                .hasValue(new ImageTexts("caf\u00e9", ""));
        byte[] text = "\u732b".getBytes(StandardCharsets.UTF_8);
        assertThat(ImageTexts.read(png("iTXt", joined(latin("stencil\0\0\0\0\0"), text))))
                .hasValue(new ImageTexts("", "\u732b"));
        assertThat(ImageTexts.read(png("iTXt", joined(latin("stencil\0\1\0de\0x\0"), compressed(text)))))
                .hasValue(new ImageTexts("", "\u732b"));
        assertThat(ImageTexts.read(png("tEXt", latin("Parameters\0other")))).isEmpty();
    }

    @Test
    void aTextThatIsTooLongIsRefused() throws IOException {
        Path file = png("tEXt", latin("stencil\0" + "x".repeat(ImageTexts.MAX_BYTES + 1)));
        assertThatThrownBy(() -> ImageTexts.read(file))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(file + ": has more than 1048576 bytes of text under 'stencil', the most that is read");
        assertThat(RgbImageReader.read(file).size()).isEqualTo(new ImageSize(2, 2));
    }

    /// A few kilobytes that expand to gigabytes are no text.
    @Test
    void aCompressedTextIsExpandedToTheLimitAtMost() throws IOException {
        byte[] bomb = compressed(new byte[64 << 20]);
        assertThat(ImageTexts.read(png("zTXt", joined(latin("stencil\0\0"), bomb))))
                .isEmpty();
    }
}
