package io.stencil.image;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/// Takes a PNG file apart and checks what the decoder does not: that no chunk is damaged and that the end is there.
/// Reads and adds texts.
final class PngChunks {

    /// One character a byte.
    static final String SIGNATURE = "\u0089PNG\r\n\u001A\n";

    static final int TYPE = 4;
    static final int FRAME = 12; // length, type, checksum

    /// Offset of the colour type in the header, which is the first chunk.
    static final int COLOUR_TYPE = 25;

    private static final int INDICES = 3;

    private static final List<String> NONE = List.of();

    private PngChunks() {}

    /// Receives the chunks of a file.
    @FunctionalInterface
    private interface Visitor {

        /// @param at begin of the chunk's frame
        /// @param end of its data, before the checksum
        void visit(String type, int at, int end) throws ImageFault;
    }

    static ImageFormat.Payload payload(byte[] file) throws ImageFault {
        ByteArrayOutputStream pixels = new ByteArrayOutputStream(file.length);
        pixels.write(file, 0, SIGNATURE.length());
        AtomicReference<byte[]> exif = new AtomicReference<>(new byte[0]);
        Text text = new Text();
        walk(file, (type, at, end) -> {
            if (isCritical(type)) {
                checkSum(file, at, end - at - 2 * TYPE, type);
                pixels.write(file, at, end + TYPE - at);
            } else if (type.equals("eXIf")) {
                exif.set(Arrays.copyOfRange(file, at + 2 * TYPE, end));
            } else if (type.endsWith("Xt")) {
                text.read(type, Arrays.copyOfRange(file, at + 2 * TYPE, end));
            }
        });
        return new ImageFormat.Payload(
                pixels.toByteArray(), exif.get().length > 0 ? exif.get() : text.exif(), text.xmp());
    }

    private static void walk(byte[] file, Visitor visitor) throws ImageFault {
        int at = SIGNATURE.length();
        String type = "";
        while (!type.equals("IEND")) {
            if (file.length - at < FRAME) {
                throw ImageFault.cutShort("its chunks (no IEND)");
            }
            int length = ByteBuffer.wrap(file).getInt(at);
            type = new String(file, at + TYPE, TYPE, StandardCharsets.ISO_8859_1);
            if (length < 0 || length > file.length - at - FRAME) {
                throw ImageFault.cutShort("its " + type + " chunk");
            }
            visitor.visit(type, at, at + 2 * TYPE + length);
            at += FRAME + length;
        }
    }

    /// Reads the texts of a file that [ImageTexts] names; of several with one keyword the first counts.
    ///
    /// @throws ImageFault when the file is cut short, or a text has more than [ImageTexts#MAX_BYTES]
    static Map<String, String> texts(byte[] file) throws ImageFault {
        Map<String, String> texts = new LinkedHashMap<>();
        walk(file, (type, at, end) -> {
            for (String keyword : type.endsWith("Xt") ? List.of(ImageTexts.PARAMETERS, ImageTexts.JSON) : NONE) {
                if (!texts.containsKey(keyword) && ImageFormat.startsWith(file, at + 2 * TYPE, keyword + "\0")) {
                    byte[] text = Text.content(
                            type, Arrays.copyOfRange(file, at + 2 * TYPE, end), keyword.length(), ImageTexts.MAX_BYTES);
                    texts.put(
                            keyword,
                            new String(
                                    ImageTexts.requireBounded(keyword, text),
                                    type.equals("iTXt") ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1));
                }
            }
        });
        texts.values().removeIf(String::isEmpty);
        return texts;
    }

    /// Adds texts to a file behind the header: each in a `tEXt` chunk, or in an `iTXt` chunk in UTF-8 where it has
    /// other characters than those of Latin-1.
    ///
    /// @param texts by keyword, 1 to 79 characters of ASCII
    static byte[] withTexts(byte[] file, Map<String, String> texts) {
        int header = SIGNATURE.length() + FRAME + ByteBuffer.wrap(file).getInt(SIGNATURE.length());
        ByteArrayOutputStream extended = new ByteArrayOutputStream(file.length);
        extended.write(file, 0, header);
        texts.forEach((keyword, text) -> {
            boolean latin = text.chars().allMatch(c -> c == '\n' || (c >= 0x20 && c < 0x7f) || (c > 0xa0 && c <= 0xff));
            // behind an iTXt keyword: its end, not compressed, no method, no language, no translated keyword
            byte[] head = (latin ? "tEXt" + keyword + "\0" : "iTXt" + keyword + "\0\0\0\0\0")
                    .getBytes(StandardCharsets.ISO_8859_1);
            byte[] body = text.getBytes(latin ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8);
            CRC32 sum = new CRC32();
            sum.update(head);
            sum.update(body);
            ByteBuffer chunk = ByteBuffer.allocate(2 * TYPE + head.length + body.length);
            chunk.putInt(head.length - TYPE + body.length).put(head).put(body).putInt((int) sum.getValue());
            extended.writeBytes(chunk.array());
        });
        extended.write(file, header, file.length - header);
        return extended.toByteArray();
    }

    /// Colours of the palette of a [#payload]'s pixels, and no bound where they are no indices. The decoder takes every
    /// palette for a full one.
    static int paletteSize(byte[] pixels) {
        ByteBuffer file = ByteBuffer.wrap(pixels);
        boolean indices = pixels.length > COLOUR_TYPE && pixels[COLOUR_TYPE] == INDICES;
        for (int at = SIGNATURE.length(); indices && at < pixels.length; at += FRAME + file.getInt(at)) {
            if (ImageFormat.startsWith(pixels, at + TYPE, "PLTE")) {
                return file.getInt(at) / RgbImage.CHANNELS;
            }
        }
        return Integer.MAX_VALUE;
    }

    /// Holds what of an image is transparent.
    static final class Transparency {

        private static final int GREY_ALPHA = 4;
        private static final int OPAQUE = 255;

        private final int colourType;
        private final byte[] values;

        /// @param colourType of the header: 0 grey, 2 red, green, blue, 3 palette, 4 and 6 with an alpha channel
        /// @param values of the `tRNS` chunk: of a palette the alpha of its first colours, of types 0 and 2 the samples
        ///     of the transparent colour, two bytes each; empty without one
        private Transparency(int colourType, byte[] values) {
            this.colourType = colourType;
            this.values = values;
        }

        /// Whether the image has alpha.
        boolean isPresent() {
            return colourType >= GREY_ALPHA || values.length > 0;
        }

        /// Computes the alpha of a pixel without an alpha channel.
        ///
        /// @param samples as they are stored
        int alpha(int[] samples, int from, int bands) {
            if (colourType == INDICES) {
                return samples[from] < values.length ? values[samples[from]] & 0xFF : OPAQUE;
            }
            for (int band = 0; band < bands; band++) {
                if (samples[from + band] != ByteBuffer.wrap(values).getChar(2 * band)) {
                    return OPAQUE;
                }
            }
            return 0;
        }
    }

    /// Reads what of a [#payload]'s file is transparent.
    static Transparency transparency(byte[] file) throws ImageFault {
        ByteBuffer buffer = ByteBuffer.wrap(file);
        int colourType = file[COLOUR_TYPE];
        byte[] values = {};
        int at = SIGNATURE.length();
        while (!ImageFormat.startsWith(file, at + TYPE, "IDAT")) {
            int length = buffer.getInt(at);
            if (ImageFormat.startsWith(file, at + TYPE, "tRNS")) {
                checkSum(file, at, length, "tRNS");
                values = Arrays.copyOfRange(file, at + 2 * TYPE, at + 2 * TYPE + length);
            }
            at += FRAME + length;
        }
        int needed = colourType == 0 ? 2 : colourType == 2 ? 2 * RgbImage.CHANNELS : 0;
        if (values.length > 0 && values.length < needed) {
            throw ImageFault.cutShort("its tRNS chunk");
        }
        return new Transparency(colourType, values);
    }

    /// Checks whether decoders must know a chunk: those whose names begin with a capital.
    private static boolean isCritical(String type) {
        return Character.isUpperCase(type.charAt(0));
    }

    private static void checkSum(byte[] file, int at, int length, String type) throws ImageFault {
        CRC32 sum = new CRC32();
        sum.update(file, at + TYPE, TYPE + length);
        if ((int) sum.getValue() != ByteBuffer.wrap(file).getInt(at + 2 * TYPE + length)) {
            throw new ImageFault("is damaged: the checksum of its " + type + " chunk is wrong; copy it again");
        }
    }

    /// Reads metadata from the text chunks of a PNG file: an EXIF block in hexadecimal digits, as ImageMagick
    /// writes it, or an XMP packet.
    private static final class Text {

        private static final String RAW_EXIF = "Raw profile type exif";
        private static final String XMP = "XML:com.adobe.xmp";

        /// Lines before the digits: an empty one, the profile's name, its length.
        private static final int RAW_HEAD_LINES = 3;

        /// More than any orientation needs; a chunk that expands further is left out.
        private static final int MAX_EXPANDED = 1 << 24;

        private byte[] exif = {};
        private byte[] xmp = {};
        private final Set<String> read = new HashSet<>();

        /// Reads a `tEXt`, `zTXt` or `iTXt` chunk; others, and malformed ones, are left alone. Of several with one
        /// keyword the first counts, so that a small file cannot have many expanded.
        ///
        /// @param chunk its data: a keyword, zero, and what the type says
        void read(String type, byte[] chunk) {
            int end = zero(chunk, 0);
            String keyword = new String(chunk, 0, end, StandardCharsets.ISO_8859_1);
            if (end == chunk.length || !(keyword.equals(RAW_EXIF) || keyword.equals(XMP))) {
                return;
            }
            if (!read.add(keyword)) {
                return;
            }
            byte[] text = content(type, chunk, end, MAX_EXPANDED);
            if (keyword.equals(XMP)) {
                xmp = text;
            } else {
                exif = fromDigits(new String(text, StandardCharsets.ISO_8859_1));
            }
        }

        /// Returns the text of a chunk, empty when it is malformed.
        ///
        /// @param chunk its data: a keyword, zero, and what the type says
        /// @param end of the keyword
        /// @param most bytes to which a compressed text is expanded; a longer one is taken for malformed
        static byte[] content(String type, byte[] chunk, int end, int most) {
            return switch (type) {
                case "tEXt" -> rest(chunk, end + 1);
                case "zTXt" -> inflated(rest(chunk, end + 2), most); // zero and the method
                case "iTXt" -> international(chunk, end + 1, most);
                default -> new byte[0];
            };
        }

        /// Returns an EXIF block, empty when there is none.
        byte[] exif() {
            return exif;
        }

        /// Returns an XMP packet, empty when there is none.
        byte[] xmp() {
            return xmp;
        }

        /// Reads an `iTXt` chunk: whether it is compressed, the method, then language and translated keyword, each
        /// ended by zero.
        private static byte[] international(byte[] chunk, int at, int most) {
            boolean compressed = at < chunk.length && chunk[at] != 0;
            int language = zero(chunk, Math.min(at + 2, chunk.length));
            byte[] text = rest(chunk, zero(chunk, Math.min(language + 1, chunk.length)) + 1);
            return compressed ? inflated(text, most) : text;
        }

        private static byte[] fromDigits(String profile) {
            String[] lines = profile.split("\n", -1);
            String digits = String.join(
                            "", Arrays.asList(lines).subList(Math.min(RAW_HEAD_LINES, lines.length), lines.length))
                    .replaceAll("\\s", "");
            try {
                return HexFormat.of().parseHex(digits);
            } catch (IllegalArgumentException _) {
                return new byte[0];
            }
        }

        private static byte[] inflated(byte[] compressed, int most) {
            try (Inflater inflater = new Inflater()) {
                inflater.setInput(compressed);
                byte[] text = new byte[Math.max(1 << 10, compressed.length)];
                int length = 0;
                while (!inflater.finished()) {
                    int count = inflater.inflate(text, length, text.length - length);
                    length += count;
                    if (length == text.length && length < most) {
                        text = Arrays.copyOf(text, 2 * length);
                    } else if (count == 0) {
                        return new byte[0]; // cut short, or too much
                    }
                }
                return Arrays.copyOf(text, length);
            } catch (DataFormatException _) {
                return new byte[0];
            }
        }

        private static int zero(byte[] bytes, int from) {
            int at = from;
            while (at < bytes.length && bytes[at] != 0) {
                at++;
            }
            return at;
        }

        private static byte[] rest(byte[] bytes, int from) {
            return Arrays.copyOfRange(bytes, Math.min(from, bytes.length), bytes.length);
        }
    }
}
