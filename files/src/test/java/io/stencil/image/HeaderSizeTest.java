package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.stencil.error.InvalidFileException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Small files whose headers claim many pixels are refused without memory for these.
class HeaderSizeTest {

    private static final int SIDE = 16_384; // 2^28 pixels, the most that are read
    private static final long SOME_BYTES = 32L << 20;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"rgb8.png", "rgb8_interlaced.png", "palette8.png", "grey16.png"})
    void png(String name) throws IOException {
        byte[] png = example(name);
        ByteBuffer.wrap(png).putInt(16, SIDE).putInt(20, SIDE);
        CRC32 sum = new CRC32();
        sum.update(png, 12, 17);
        ByteBuffer.wrap(png).putInt(29, (int) sum.getValue());
        assertRefused(png).hasMessageContaining(claim(png));
    }

    @ParameterizedTest
    @ValueSource(strings = {"420.jpg", "grey.jpg", "progressive.jpg", "cmyk.jpg", "restarts.jpg"})
    void jpeg(String name) throws IOException {
        byte[] jpeg = example(name);
        String text = new String(jpeg, StandardCharsets.ISO_8859_1);
        int frame = Math.max(text.indexOf("\u00FF\u00C0\0"), text.indexOf("\u00FF\u00C2\0"));
        ByteBuffer.wrap(jpeg).putShort(frame + 5, (short) SIDE).putShort(frame + 7, (short) SIDE);
        assertRefused(jpeg).hasMessageContaining("is cut short in its pixels (its header says 16384 x 16384 pixels");
    }

    @ParameterizedTest
    @CsvSource({
        "24.bmp, 'Invalid width/height'",
        "palette4.bmp, 'is cut short in its pixels (its header says 16384 x 16384 pixels'",
        "rle8.bmp, 'is cut short in its pixels (its header says 16384 x 16384 pixels'"
    })
    void bmp(String name, String message) throws IOException {
        byte[] bmp = example(name);
        ByteBuffer.wrap(bmp).order(ByteOrder.LITTLE_ENDIAN).putInt(18, SIDE).putInt(22, SIDE);
        assertRefused(bmp).hasMessageContaining(message);
    }

    /// Java's decoder would read the image inside, whatever its size.
    @ParameterizedTest
    @ValueSource(ints = {4, 5})
    void bmpWithAnImageInIt(int compression) throws IOException {
        byte[] bmp = example("24.bmp");
        ByteBuffer.wrap(bmp).order(ByteOrder.LITTLE_ENDIAN).putInt(30, compression);
        assertRefused(bmp).hasMessageContaining("is a BMP with a JPEG or PNG image in it");
    }

    @ParameterizedTest
    @ValueSource(strings = {"lossy.webp", "lossy_alpha.webp"})
    void lossyWebp(String name) throws IOException {
        byte[] webp = example(name);
        int size = new String(webp, StandardCharsets.ISO_8859_1).indexOf("\u009d\u0001*") + 3;
        ByteBuffer.wrap(webp)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort(size, (short) (SIDE - 1))
                .putShort(size + 2, (short) (SIDE - 1));
        assertRefused(webp).hasMessageContaining("its header says 16383 x 16383 pixels, more than its ");
    }

    /// The first code has two symbols, so that each pixel takes a bit, and there are some ten of them.
    @Test
    void losslessWebp() throws IOException {
        LosslessBytes pixels = new LosslessBytes().header(SIDE, SIDE);
        pixels.bits(0, 3); // no transform, no colour cache, one group of codes
        pixels.bits(1, 1).bits(1, 1).bits(1, 1).bits(7, Byte.SIZE).bits(9, Byte.SIZE);
        for (int code = 0; code < 4; code++) {
            pixels.bits(1, 1).bits(0, 3);
        }
        assertRefused(pixels.file()).hasMessageContaining("cut short in its compressed pixels");
    }

    /// Parameters of a transform are an image too.
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void transformOfLosslessWebp(int kind) throws IOException {
        LosslessBytes pixels = new LosslessBytes().header(SIDE, SIDE);
        pixels.bits(1, 1).bits(kind, 2).bits(0, 3); // areas of four pixels
        pixels.bits(0, 1).bits(1, 1).bits(1, 1).bits(1, 1).bits(7, Byte.SIZE).bits(9, Byte.SIZE);
        for (int code = 0; code < 4; code++) {
            pixels.bits(1, 1).bits(0, 3);
        }
        assertRefused(pixels.file()).hasMessageContaining("cut short in its compressed pixels");
    }

    /// A solid colour takes no bits, whatever its size, and black takes few in any format.
    @Test
    void whatTheDataHoldsIsRead() throws IOException {
        LosslessBytes pixels = new LosslessBytes().header(3000, 700).bits(0, 3);
        pixels.symbol(7).symbol(8).symbol(9).symbol(255).symbol(0);
        RgbImage solid = RgbImageReader.read(file(pixels.file()));
        assertThat(solid.size()).isEqualTo(new ImageSize(3000, 700));
        for (int at : new int[] {0, 3000 * 700 * 3 - 3}) {
            assertThat(new int[] {solid.rgb()[at], solid.rgb()[at + 1], solid.rgb()[at + 2]})
                    .containsExactly(8, 7, 9);
        }

        Path png = folder.resolve("black.png");
        RgbImage black = RgbImage.of(3000, 2000, new byte[3000 * 2000 * 3]);
        RgbImageWriter.write(black, png);
        assertThat(Files.size(png)).isLessThan(3000 * 2000 * 3 / 900);
        assertThat(RgbImageReader.read(png).rgb()).isEqualTo(black.rgb());
    }

    private static String claim(byte[] file) {
        return "is cut short in its pixels (its header says 16384 x 16384 pixels, more than its %s bytes can hold)"
                .formatted(file.length);
    }

    private static byte[] example(String name) throws IOException {
        return Files.readAllBytes(Images.folder("decode").resolve(name));
    }

    private Path file(byte[] content) throws IOException {
        return Files.write(folder.resolve("image"), content);
    }

    private AbstractThrowableAssert<?, ?> assertRefused(byte[] content) throws IOException {
        Path file = file(content);
        long before = THREADS.getCurrentThreadAllocatedBytes();
        AbstractThrowableAssert<?, ?> fault =
                assertThatThrownBy(() -> RgbImageReader.read(file)).isInstanceOf(InvalidFileException.class);
        assertThat(THREADS.getCurrentThreadAllocatedBytes() - before)
                .as("bytes")
                .isLessThan(SOME_BYTES);
        return fault;
    }
}
