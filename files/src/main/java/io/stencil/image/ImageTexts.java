package io.stencil.image;

import com.drew.lang.ByteArrayReader;
import com.drew.metadata.Metadata;
import com.drew.metadata.exif.ExifIFD0Directory;
import com.drew.metadata.exif.ExifReader;
import com.drew.metadata.exif.ExifSubIFDDirectory;
import io.stencil.error.Arguments;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// Holds the texts that a generated image carries.
///
/// PNG: text chunks of these two keywords, `tEXt` where Latin-1 can write them, else `iTXt`. JPEG and WebP: an EXIF
/// block, `UserComment` with the first and `ImageDescription` with the second behind `stencil:`. Reading an image from
/// others is safe: at most [#MAX_BYTES] of each text are read, and nothing in it is acted upon.
///
/// @param parameters the generation parameters in the form of AUTOMATIC1111's web interface; empty for none
/// @param json the same and more as a JSON object; empty for none
public record ImageTexts(String parameters, String json) {

    /// Keyword of the parameters in a PNG file.
    public static final String PARAMETERS = "parameters";

    /// Keyword of the JSON object in a PNG file.
    public static final String JSON = "stencil";

    /// Most bytes of a text that is read.
    public static final int MAX_BYTES = 1 << 20;

    private static final String JSON_PREFIX = JSON + ":";

    /// Marks a `UserComment` in UTF-16.
    private static final byte[] UNICODE = "UNICODE\0".getBytes(StandardCharsets.ISO_8859_1);

    private static final byte[] ASCII = "ASCII\0\0\0".getBytes(StandardCharsets.ISO_8859_1);

    private static final int IMAGE_DESCRIPTION = ExifIFD0Directory.TAG_IMAGE_DESCRIPTION;
    private static final int EXIF_POINTER = 0x8769;
    private static final int USER_COMMENT = ExifSubIFDDirectory.TAG_USER_COMMENT;
    private static final int TYPE_ASCII = 2;
    private static final int TYPE_LONG = 4;
    private static final int TYPE_UNDEFINED = 7;

    /// Byte order (big-endian), the number 42, offset of the first directory.
    private static final int TIFF_HEADER = 8;

    /// Number of entries, entries, offset of the next directory.
    private static final int DIRECTORY_FRAME = 6;

    private static final int ENTRY = 12;

    public ImageTexts {
        Arguments.require(PARAMETERS, parameters);
        Arguments.require("json", json);
    }

    /// Reads the texts of a PNG, JPEG or WebP file; empty where it has neither.
    ///
    /// @throws io.stencil.error.InvalidFileException when the file is absent, not an image, damaged, or a text
    ///     has more than [#MAX_BYTES]
    public static Optional<ImageTexts> read(Path file) {
        return RgbImageReader.texts(file);
    }

    /// Reads the texts of the bytes of a file.
    static Optional<ImageTexts> of(byte[] file) throws IOException {
        Map<String, String> texts = switch (ImageFormat.of(file)) {
            case PNG -> PngChunks.texts(file);
            case JPEG -> fromExif(JpegSegments.of(file).payload().exif());
            case WEBP -> fromExif(WebpChunks.payload(file).exif());
            case BMP -> Map.of();
        };
        return texts.isEmpty()
                ? Optional.empty()
                : Optional.of(new ImageTexts(texts.getOrDefault(PARAMETERS, ""), texts.getOrDefault(JSON, "")));
    }

    /// Returns the texts that are not empty, by keyword.
    Map<String, String> byKeyword() {
        Map<String, String> texts = new LinkedHashMap<>();
        texts.put(PARAMETERS, parameters);
        texts.put(JSON, json);
        texts.values().removeIf(String::isEmpty);
        return texts;
    }

    /// Returns an EXIF block, a TIFF structure of two directories.
    byte[] exif() {
        byte[] description = (JSON_PREFIX + escaped(json) + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] comment = joined(UNICODE, parameters.getBytes(StandardCharsets.UTF_16BE));
        int outer = DIRECTORY_FRAME + 2 * ENTRY;
        int inner = DIRECTORY_FRAME + ENTRY;
        int innerAt = TIFF_HEADER + outer;
        int descriptionAt = innerAt + inner;
        int commentAt = descriptionAt + description.length + (description.length & 1); // values begin at even offsets
        ByteBuffer block = ByteBuffer.allocate(commentAt + comment.length);
        block.put((byte) 'M').put((byte) 'M').putShort((short) 42).putInt(TIFF_HEADER);
        block.putShort((short) 2);
        entry(block, IMAGE_DESCRIPTION, TYPE_ASCII, description.length, descriptionAt);
        entry(block, EXIF_POINTER, TYPE_LONG, 1, innerAt);
        block.putInt(0).putShort((short) 1);
        entry(block, USER_COMMENT, TYPE_UNDEFINED, comment.length, commentAt);
        block.putInt(0);
        block.put(descriptionAt, description).put(commentAt, comment);
        return block.array();
    }

    private static void entry(ByteBuffer block, int tag, int type, int count, int value) {
        block.putShort((short) tag).putShort((short) type).putInt(count).putInt(value);
    }

    /// Writes JSON in ASCII, which is all that `ImageDescription` may hold; outside of strings JSON is ASCII anyway.
    private static String escaped(String json) {
        StringBuilder ascii = new StringBuilder(json.length());
        for (int i = 0; i < json.length(); i++) {
            char c = json.charAt(i);
            ascii.append(c < 0x80 ? String.valueOf(c) : "\\u" + HexFormat.of().toHexDigits(c));
        }
        return ascii.toString();
    }

    private static byte[] joined(byte[] first, byte[] second) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(first);
        bytes.writeBytes(second);
        return bytes.toByteArray();
    }

    private static Map<String, String> fromExif(byte[] exif) throws ImageFault {
        Metadata metadata = new Metadata();
        byte[] tiff = Orientation.withoutMarker(exif);
        if (tiff.length > 0) {
            new ExifReader().extract(new ByteArrayReader(tiff), metadata);
        }
        ExifIFD0Directory outer = metadata.getFirstDirectoryOfType(ExifIFD0Directory.class);
        ExifSubIFDDirectory inner = metadata.getFirstDirectoryOfType(ExifSubIFDDirectory.class);
        Map<String, String> texts = new LinkedHashMap<>();
        byte[] comment = inner == null ? null : inner.getByteArray(USER_COMMENT);
        if (comment != null && comment.length > UNICODE.length) {
            texts.put(PARAMETERS, comment(requireBounded(PARAMETERS, comment)));
        }
        String description = outer == null ? null : outer.getString(IMAGE_DESCRIPTION);
        if (description != null && description.startsWith(JSON_PREFIX)) {
            byte[] json = description.substring(JSON_PREFIX.length()).getBytes(StandardCharsets.UTF_8);
            texts.put(JSON, new String(requireBounded(JSON, json), StandardCharsets.UTF_8));
        }
        texts.values().removeIf(String::isEmpty);
        return texts;
    }

    private static String comment(byte[] comment) {
        String text = new String(comment, UNICODE.length, comment.length - UNICODE.length, StandardCharsets.UTF_16BE);
        if (startsWith(comment, UNICODE)) {
            return text;
        }
        return startsWith(comment, ASCII)
                ? new String(comment, ASCII.length, comment.length - ASCII.length, StandardCharsets.US_ASCII)
                : "";
    }

    private static boolean startsWith(byte[] bytes, byte[] start) {
        return ImageFormat.startsWith(bytes, 0, new String(start, StandardCharsets.ISO_8859_1));
    }

    /// @throws ImageFault when the text has more than [#MAX_BYTES]
    static byte[] requireBounded(String keyword, byte[] text) throws ImageFault {
        if (text.length > MAX_BYTES) {
            throw new ImageFault(
                    "has more than %s bytes of text under '%s', the most that is read".formatted(MAX_BYTES, keyword));
        }
        return text;
    }
}
