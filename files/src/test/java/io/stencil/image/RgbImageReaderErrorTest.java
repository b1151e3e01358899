package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Files that are no image, or no whole one.
class RgbImageReaderErrorTest {

    /// Parts of the names of Java's exceptions.
    private static final String[] JAVA = {"Exception", "java."};

    @TempDir
    private Path folder;

    @Test
    void anAbsentFileAndAFolderAreNamed() {
        assertFault(folder.resolve("absent.jpg")).hasMessageContaining("no such file");
        assertFault(folder).hasMessageContaining("is a folder");
    }

    @Test
    void anEmptyFileIsToldAsSuch() throws IOException {
        assertFault(file(new byte[0])).hasMessageContaining("is empty");
    }

    @Test
    void otherContentIsToldAsSuchWhateverTheName() throws IOException {
        assertFault(file("GIF89a and more".getBytes(StandardCharsets.US_ASCII)))
                .hasMessageContaining("is not a JPEG, PNG, WebP or BMP")
                .hasMessageContaining("47 49 46 38");
        assertFault(file(new byte[] {7})).hasMessageContaining("begins with 07");
        assertFault(file("RIFF\0\0\0\0WAVE".getBytes(StandardCharsets.US_ASCII)))
                .hasMessageContaining("is not a JPEG");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "420.jpg", "grey.jpg", "progressive.jpg", "cmyk.jpg", "restarts.jpg", "rgb8.png", "rgb8_interlaced.png",
                "palette8.png", "grey16.png", "lossless.webp", "lossy.webp", "lossy_alpha.webp", "animated.webp",
                        "24.bmp",
                "palette4.bmp", "rle8.bmp"
            })
    void aFileCutShortIsRefused(String name) throws IOException {
        byte[] whole = Files.readAllBytes(Images.folder("decode").resolve(name));
        for (int length = 1; length < whole.length; length++) {
            boolean nearAnEnd = length < 40 || length > whole.length - 20;
            if (nearAnEnd || length % 29 == 0) {
                assertFault(file(Arrays.copyOf(whole, length)));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "420.jpg",
                "progressive.jpg",
                "rgb8.png",
                "lossless.webp",
                "lossless_5_colours.webp",
                "lossless_tiles_6.webp",
                "lossy.webp",
                "24.bmp",
                "rle8.bmp"
            })
    void damageIsRefusedOrRead(String name) throws IOException {
        byte[] whole = Files.readAllBytes(Images.folder("decode").resolve(name));
        Random random = new Random(9);
        int refused = 0;
        for (int round = 0; round < 100; round++) {
            byte[] damaged = whole.clone();
            for (int i = 0; i <= round % 4; i++) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
            }
            try {
                RgbImageReader.read(file(damaged));
            } catch (InvalidFileException fault) {
                refused++;
                assertThat(fault).hasMessageNotContainingAny(JAVA);
            }
        }
        assertThat(refused).isPositive();
    }

    @Test
    void aWrongChecksumOfPngPixelsIsRefused() throws IOException {
        byte[] png = Files.readAllBytes(Images.folder("decode").resolve("rgb8.png"));
        png[png.length / 2] ^= 1;

        assertFault(file(png)).hasMessageContaining("checksum").hasMessageContaining("IDAT");
    }

    @Test
    void anImageOfTooManyPixelsIsRefusedBeforeItIsDecoded() throws IOException {
        byte[] png = Files.readAllBytes(Images.folder("decode").resolve("rgb8.png"));
        ByteBuffer.wrap(png).putInt(16, 1_000_000).putInt(20, 1_000_000);
        CRC32 sum = new CRC32();
        sum.update(png, 12, 17);
        ByteBuffer.wrap(png).putInt(29, (int) sum.getValue());
        assertFault(file(png)).hasMessageContaining("is 1000000 x 1000000 pixels, more than the 268435456");

        byte[] jpeg = Files.readAllBytes(Images.folder("decode").resolve("420.jpg"));
        int frame = new String(jpeg, StandardCharsets.ISO_8859_1).indexOf("\u00FF\u00C0");
        ByteBuffer.wrap(jpeg).putShort(frame + 5, (short) 65_000).putShort(frame + 7, (short) 65_000);
        assertFault(file(jpeg)).hasMessageContaining("is 65000 x 65000 pixels");
    }

    /// Decoders paint such pixels in colours of their own.
    @Test
    void anIndexBehindThePaletteOfAPngIsRefused() throws IOException {
        byte[] png = Files.readAllBytes(Images.folder("decode").resolve("palette4.png"));
        int palette = new String(png, StandardCharsets.ISO_8859_1).indexOf("PLTE");
        ByteBuffer file = ByteBuffer.allocate(png.length - 3);
        file.put(png, 0, palette - 4).putInt(15 * 3).put(png, palette, 4 + 15 * 3);
        CRC32 sum = new CRC32();
        sum.update(png, palette, 4 + 15 * 3);
        file.putInt((int) sum.getValue());
        int next = palette + 4 + 16 * 3 + 4;
        file.put(png, next, png.length - next);

        assertFault(file(file.array())).hasMessageContaining("uses colour 15 of a palette of 15");
    }

    @Test
    void malformedLosslessWebpIsRefused() throws IOException {
        byte[] webp = Files.readAllBytes(Images.folder("decode").resolve("lossless.webp"));
        int data = new String(webp, StandardCharsets.ISO_8859_1).indexOf("VP8L") + 8;
        byte[] unsigned = webp.clone();
        unsigned[data] = 0;
        assertFault(file(unsigned)).hasMessageContaining("lossless");

        byte[] shortPixels = Arrays.copyOf(webp, data + 60);
        ByteBuffer.wrap(shortPixels)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(4, data + 52)
                .putInt(data - 4, 60);
        assertFault(file(shortPixels)).hasMessageContaining("cut short in its compressed pixels");
    }

    /// Distances have 40 symbols, and the shortest form of a code sends a symbol in eight bits.
    @Test
    void aPrefixCodeOfASymbolThatDoesNotExistIsRefused() throws IOException {
        LosslessBytes pixels = new LosslessBytes().header(1, 1);
        pixels.bits(0, 3); // no transform, no colour cache, one group of codes
        for (int code = 0; code < 4; code++) {
            pixels.symbol(7);
        }
        assertThat(RgbImageReader.size(file(pixels.copy().symbol(39).file()))).isEqualTo(new ImageSize(1, 1));
        assertThat(RgbImageReader.read(file(pixels.copy().symbol(39).file())).width())
                .isOne();

        assertFault(file(pixels.copy().symbol(40).file()))
                .hasMessageContaining("a prefix code of its pixels has symbol 40, expected less than 40");
        assertFault(file(pixels.copy().symbol(255).file())).hasMessageContaining("symbol 255");
    }

    /// A frame in a frame in a frame would be read by a call in a call in a call.
    @Test
    void animationsInAnimationsAreRefused() throws IOException {
        int depth = 20_000;
        int frame = 8 + 16;
        ByteBuffer file = ByteBuffer.allocate(30 + depth * frame).order(ByteOrder.LITTLE_ENDIAN);
        file.put("RIFF".getBytes(StandardCharsets.ISO_8859_1)).putInt(file.capacity() - 8);
        file.put("WEBPVP8X".getBytes(StandardCharsets.ISO_8859_1)).putInt(10).put(new byte[10]);
        for (int i = 0; i < depth; i++) {
            file.put("ANMF".getBytes(StandardCharsets.ISO_8859_1))
                    .putInt(file.remaining() - 4)
                    .put(new byte[16]);
        }

        assertFault(file(file.array())).hasMessageContaining("without an image in it");
    }

    @Test
    void anAnimationWithAPartialFirstFrameIsRefused() throws IOException {
        byte[] animated = Files.readAllBytes(Images.folder("decode").resolve("animated.webp"));
        String text = new String(animated, StandardCharsets.ISO_8859_1);
        animated[text.indexOf("ANMF") + 8] = 1;

        assertFault(file(animated)).hasMessageContaining("first frame");
    }

    private Path file(byte[] content) throws IOException {
        return Files.write(folder.resolve("image.jpg"), content);
    }

    private static AbstractThrowableAssert<?, ?> assertFault(Path file) {
        return assertThatThrownBy(() -> RgbImageReader.read(file))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(file + ": ")
                .hasMessageNotContaining("\n")
                .hasMessageNotContainingAny(JAVA);
    }
}
