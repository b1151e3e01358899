package io.stencil.image;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Parses the segments of a JPEG file: those that the decoder needs, the EXIF block and the colour space.
final class JpegSegments {

    /// Start of an APP1 segment with EXIF in it, one character a byte.
    static final String EXIF = "Exif\0\0";

    /// Most bytes of an EXIF block in one segment, whose length is a number of 16 bits.
    static final int MAX_EXIF = 0xFFFF - 2 - EXIF.length();

    private static final String XMP = "http://ns.adobe.com/xap/1.0/\0";

    private static final int MARKER = 2;
    private static final int START_OF_SCAN = 0xDA;
    private static final int APP0 = 0xE0;
    private static final int APP1 = 0xE1;
    private static final int APP14 = 0xEE;
    private static final int APP15 = 0xEF;
    private static final int COMMENT = 0xFE;

    private final byte[] file;
    private final ByteArrayOutputStream exif = new ByteArrayOutputStream();
    private byte[] xmp = {};
    private boolean jfif;
    private boolean adobe;
    private int adobeTransform;
    private String componentIds = "";

    private JpegSegments(byte[] file) {
        this.file = file;
    }

    /// The file's payload and colour space.
    record Parts(ImageFormat.Payload payload, Colours colours) {}

    static Parts of(byte[] file) throws ImageFault {
        JpegSegments segments = new JpegSegments(file);
        byte[] pixels = segments.walk();
        ImageFormat.Payload payload = new ImageFormat.Payload(pixels, segments.exif.toByteArray(), segments.xmp);
        return new Parts(payload, segments.colours());
    }

    /// Adds an EXIF block to a file, behind the JFIF segment that it begins with.
    ///
    /// @param exif at most [#MAX_EXIF] bytes
    static byte[] withExif(byte[] file, byte[] exif) {
        int at = 2;
        if ((file[at + 1] & 0xFF) == APP0) {
            at += 2 + ((file[at + 2] & 0xFF) << 8 | (file[at + 3] & 0xFF));
        }
        int length = 2 + EXIF.length() + exif.length;
        ByteArrayOutputStream extended = new ByteArrayOutputStream(file.length + length + 2);
        extended.write(file, 0, at);
        extended.writeBytes(new byte[] {(byte) 0xFF, (byte) APP1, (byte) (length >> 8), (byte) length});
        extended.writeBytes(EXIF.getBytes(StandardCharsets.ISO_8859_1));
        extended.writeBytes(exif);
        extended.write(file, at, file.length - at);
        return extended.toByteArray();
    }

    /// Copies all up to the first scan except application segments and comments; from there on, everything.
    private byte[] walk() throws ImageFault {
        ByteArrayOutputStream pixels = new ByteArrayOutputStream(file.length);
        pixels.write(file, 0, 2);
        int at = 2;
        while (true) {
            at = nextMarker(at);
            int marker = file[at + 1] & 0xFF;
            int length = ((file[at + 2] & 0xFF) << 8) | (file[at + 3] & 0xFF);
            int end = at + 2 + length;
            if (length < 2 || end > file.length) {
                throw ImageFault.cutShort("its headers");
            }
            if (marker == START_OF_SCAN) {
                pixels.write(file, at, file.length - at);
                return pixels.toByteArray();
            }
            if (marker == COMMENT || (marker >= APP0 && marker <= APP15)) {
                readApplication(marker, at + 4, end);
            } else {
                readFrame(marker, at + 4, end);
                pixels.write(file, at, end - at);
            }
            at = end;
        }
    }

    /// Cameras and editors leave stray bytes between segments; decoders skip them.
    private int nextMarker(int from) throws ImageFault {
        int at = from;
        while (at + 3 < file.length && (file[at] != (byte) 0xFF || file[at + 1] == 0 || file[at + 1] == (byte) 0xFF)) {
            at++;
        }
        if (at + 3 >= file.length) {
            throw ImageFault.cutShort("its headers");
        }
        return at;
    }

    private void readApplication(int marker, int data, int end) {
        if (marker == APP0 && ImageFormat.startsWith(file, data, "JFIF\0")) {
            jfif = true;
        } else if (marker == APP1 && end - data > EXIF.length() && ImageFormat.startsWith(file, data, EXIF)) {
            exif.write(file, data + EXIF.length(), end - data - EXIF.length()); // a large block has several segments
        } else if (marker == APP1 && end - data > XMP.length() && ImageFormat.startsWith(file, data, XMP)) {
            xmp = Arrays.copyOfRange(file, data + XMP.length(), end);
        } else if (marker == APP14 && end - data >= 12 && ImageFormat.startsWith(file, data, "Adobe")) {
            adobe = true;
            adobeTransform = file[data + 11] & 0xFF;
        }
    }

    /// Reads a start-of-frame segment: precision, height, width, number of components, then id, sampling and table of
    /// each.
    private void readFrame(int marker, int data, int end) {
        if (isFrame(marker) && end - data >= 6) {
            StringBuilder ids = new StringBuilder();
            for (int at = data + 6; at + 2 < end; at += 3) {
                ids.append((char) (file[at] & 0xFF));
            }
            componentIds = ids.toString();
        }
    }

    private static boolean isFrame(int marker) {
        return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    }

    /// Finds the content of a payload's start-of-frame segment; negative when there is none.
    static int frame(byte[] pixels) {
        int at = MARKER;
        while (at + 2 * MARKER < pixels.length && (pixels[at + 1] & 0xFF) != START_OF_SCAN) {
            if (isFrame(pixels[at + 1] & 0xFF)) {
                return at + 2 * MARKER;
            }
            at += MARKER + ((pixels[at + 2] & 0xFF) << 8 | (pixels[at + 3] & 0xFF));
        }
        return -1;
    }

    /// Determines the colour space by the rules of libjpeg, which every reader follows: JFIF is YCbCr, then Adobe's
    /// marker, then the components' names.
    private Colours colours() throws ImageFault {
        return switch (componentIds.length()) {
            case 1 -> Colours.GREY;
            case 3 -> {
                boolean rgb = !jfif && (adobe ? adobeTransform == 0 : componentIds.equals("RGB"));
                yield rgb ? Colours.RGB : Colours.YCC;
            }
            case 4 -> adobe && adobeTransform != 0 ? Colours.YCCK : Colours.CMYK;
            default ->
                throw new ImageFault("is a JPEG with %s components, expected 1, 3 or 4; convert it to RGB"
                        .formatted(componentIds.length()));
        };
    }

    /// Converts JPEG samples of each colour space to RGB, in the integer arithmetic of libjpeg and, for ink, of Pillow.
    enum Colours {
        GREY(1),
        RGB(3),
        YCC(3),
        CMYK(4),
        YCCK(4);

        private static final int BITS = 16;
        private static final int HALF = 1 << (BITS - 1);
        private static final int CR_TO_RED = fixedPoint(1.40200);
        private static final int CB_TO_BLUE = fixedPoint(1.77200);
        private static final int CR_TO_GREEN = fixedPoint(0.71414);
        private static final int CB_TO_GREEN = fixedPoint(0.34414);

        private final int components;

        Colours(int components) {
            this.components = components;
        }

        int components() {
            return components;
        }

        /// Converts one pixel.
        ///
        /// @param samples 0..255, those of the pixel from `at` on
        void toRgb(int[] samples, int at, byte[] rgb, int to) {
            int first = samples[at];
            int second = components > 1 ? samples[at + 1] : first;
            int third = components > 1 ? samples[at + 2] : first;
            int paper = components > 3 ? samples[at + 3] : 0;
            switch (this) {
                case GREY, RGB -> put(rgb, to, first, second, third);
                case YCC -> put(rgb, to, red(first, third), green(first, second, third), blue(first, second));
                case CMYK -> put(rgb, to, inked(first, paper), inked(second, paper), inked(third, paper));
                case YCCK -> {
                    int red = inked(255 - red(first, third), paper);
                    int green = inked(255 - green(first, second, third), paper);
                    put(rgb, to, red, green, inked(255 - blue(first, second), paper));
                }
            }
        }

        private static int fixedPoint(double factor) {
            return (int) (factor * (1 << BITS) + 0.5);
        }

        private static int red(int y, int cr) {
            return clip(y + ((CR_TO_RED * (cr - 128) + HALF) >> BITS));
        }

        private static int green(int y, int cb, int cr) {
            return clip(y + ((-CB_TO_GREEN * (cb - 128) - CR_TO_GREEN * (cr - 128) + HALF) >> BITS));
        }

        private static int blue(int y, int cb) {
            return clip(y + ((CB_TO_BLUE * (cb - 128) + HALF) >> BITS));
        }

        /// Computes the light that the ink leaves. JPEG files hold inks inverted: 255 is no ink.
        private static int inked(int light, int paper) {
            int product = (255 - light) * paper + 128;
            return clip(paper - (((product >> 8) + product) >> 8));
        }

        private static int clip(int value) {
            return Math.clamp(value, 0, 255);
        }

        private static void put(byte[] rgb, int to, int red, int green, int blue) {
            rgb[to] = (byte) red;
            rgb[to + 1] = (byte) green;
            rgb[to + 2] = (byte) blue;
        }
    }
}
