package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OrientationTest {

    private static final short ORIENTATION = 0x0112;
    private static final short SHORT = 3;
    private static final byte[] NONE = {};

    @TempDir
    private Path folder;

    /// Where the pixels of an image `a b c / d e f` come to lie, row by row.
    @ParameterizedTest
    @CsvSource({
        "1, abc/def",
        "2, cba/fed",
        "3, fed/cba",
        "4, def/abc",
        "5, ad/be/cf",
        "6, da/eb/fc",
        "7, fc/eb/da",
        "8, cf/be/ad",
    })
    void pixelsComeToLieUpright(int value, String rows) {
        Orientation orientation = Orientation.of(exif(value, ByteOrder.LITTLE_ENDIAN), NONE);

        assertThat(text(orientation.apply(image("abc", "def")))).isEqualTo(rows);
    }

    @ParameterizedTest
    @CsvSource({"1", "2", "3", "4", "5", "6", "7", "8"})
    void aJpegIsTurnedByItsTag(int value) throws IOException {
        Path plain = Images.folder("decode").resolve("444.jpg");
        RgbImage stored = RgbImageReader.read(plain);

        for (ByteOrder order : new ByteOrder[] {ByteOrder.BIG_ENDIAN, ByteOrder.LITTLE_ENDIAN}) {
            Path tagged = folder.resolve("tagged.jpg");
            Files.write(tagged, withExif(Files.readAllBytes(plain), exif(value, order)));
            assertThat(RgbImageReader.read(tagged))
                    .isEqualTo(Orientation.of(exif(value, order), NONE).apply(stored));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 9, 65535})
    void aValueWithoutMeaningIsUpright(int value) {
        assertThat(Orientation.of(exif(value, ByteOrder.BIG_ENDIAN), NONE)).isEqualTo(Orientation.UPRIGHT);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4, 8, 9, 12, 20})
    void aBlockCutShortIsUpright(int length) {
        byte[] exif = Arrays.copyOf(exif(6, ByteOrder.BIG_ENDIAN), length);

        assertThat(Orientation.of(exif, NONE)).isEqualTo(Orientation.UPRIGHT);
    }

    @ParameterizedTest
    @CsvSource({
        "<rdf:Description tiff:Orientation=\"6\"/>, TURN_CLOCKWISE",
        "<tiff:Orientation>3</tiff:Orientation>, UPSIDE_DOWN",
        "<tiff:Orientation>9</tiff:Orientation>, UPRIGHT",
        "<tiff:Orientation>x</tiff:Orientation>, UPRIGHT",
        "tiff:Orientation=6, UPRIGHT",
        "<tiff:Make>6</tiff:Make>, UPRIGHT",
    })
    void xmpCountsWhereExifIsWithoutOrientation(String xmp, Orientation expected) {
        byte[] packet = xmp.getBytes(StandardCharsets.UTF_8);

        assertThat(Orientation.of(NONE, packet)).isEqualTo(expected);
        assertThat(Orientation.of(new byte[] {'M', 'M', 0}, packet)).isEqualTo(expected);
        assertThat(Orientation.of(exif(5, ByteOrder.BIG_ENDIAN), packet)).isEqualTo(Orientation.TRANSPOSED);
        assertThat(Orientation.of(exif(0, ByteOrder.BIG_ENDIAN), packet)).isEqualTo(Orientation.UPRIGHT);
    }

    /// A TIFF structure with one directory of one entry.
    private static byte[] exif(int orientation, ByteOrder order) {
        ByteBuffer tiff = ByteBuffer.allocate(26).order(order);
        tiff.put((order == ByteOrder.BIG_ENDIAN ? "MM" : "II").getBytes(StandardCharsets.US_ASCII));
        tiff.putShort((short) 42).putInt(8);
        tiff.putShort((short) 1).putShort(ORIENTATION).putShort(SHORT).putInt(1);
        tiff.putShort((short) orientation).putShort((short) 0).putInt(0);
        return tiff.array();
    }

    private static byte[] withExif(byte[] jpeg, byte[] exif) {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        file.write(jpeg, 0, 2);
        int length = 2 + JpegSegments.EXIF.length() + exif.length;
        file.writeBytes(new byte[] {(byte) 0xFF, (byte) 0xE1, (byte) (length >> 8), (byte) length});
        file.writeBytes(JpegSegments.EXIF.getBytes(StandardCharsets.US_ASCII));
        file.writeBytes(exif);
        file.write(jpeg, 2, jpeg.length - 2);
        return file.toByteArray();
    }

    private static RgbImage image(String... rows) {
        byte[] rgb = new byte[rows.length * rows[0].length() * 3];
        for (int i = 0; i < rgb.length; i++) {
            int pixel = i / 3;
            rgb[i] = (byte) (rows[pixel / rows[0].length()].charAt(pixel % rows[0].length()) + i % 3);
        }
        return RgbImage.of(rows[0].length(), rows.length, rgb);
    }

    private static String text(RgbImage image) {
        StringBuilder rows = new StringBuilder();
        for (int y = 0; y < image.height(); y++) {
            rows.append(y == 0 ? "" : "/");
            for (int x = 0; x < image.width(); x++) {
                char letter = (char) image.sample(x, y, 0);
                assertThat(image.sample(x, y, 1)).isEqualTo(letter + 1);
                assertThat(image.sample(x, y, 2)).isEqualTo(letter + 2);
                rows.append(letter);
            }
        }
        return rows.toString();
    }
}
