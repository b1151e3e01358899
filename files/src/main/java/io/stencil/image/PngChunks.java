package io.stencil.image;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;

/// Takes a PNG file apart and checks what the decoder does not: that no chunk is damaged and that the end is there.
final class PngChunks {

    /// One character a byte.
    static final String SIGNATURE = "\u0089PNG\r\n\u001A\n";

    static final int TYPE = 4;
    static final int FRAME = 12; // length, type, checksum

    /// Where the header, the first chunk, has the kind of the samples, and the kind that are indices of a palette.
    static final int COLOUR_TYPE = 25;

    private static final int INDICES = 3;

    private PngChunks() {}

    static Payload payload(byte[] file) throws PictureFault {
        ByteArrayOutputStream pixels = new ByteArrayOutputStream(file.length);
        pixels.write(file, 0, SIGNATURE.length());
        byte[] exif = {};
        PngText text = new PngText();
        int at = SIGNATURE.length();
        while (true) {
            if (file.length - at < FRAME) {
                throw PictureFault.cutShort("its chunks (no IEND)");
            }
            int length = ByteBuffer.wrap(file).getInt(at);
            String type = new String(file, at + TYPE, TYPE, StandardCharsets.ISO_8859_1);
            if (length < 0 || length > file.length - at - FRAME) {
                throw PictureFault.cutShort("its " + type + " chunk");
            }
            int end = at + FRAME + length;
            if (isCritical(type)) {
                checkSum(file, at, length, type);
                pixels.write(file, at, end - at);
            } else if (type.equals("eXIf")) {
                exif = Arrays.copyOfRange(file, at + 2 * TYPE, end - TYPE);
            } else if (type.endsWith("Xt")) {
                text.read(type, Arrays.copyOfRange(file, at + 2 * TYPE, end - TYPE));
            }
            if (type.equals("IEND")) {
                return new Payload(pixels.toByteArray(), exif.length > 0 ? exif : text.exif(), text.xmp());
            }
            at = end;
        }
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

    /// A decoder must know the chunks whose names begin with a capital.
    private static boolean isCritical(String type) {
        return Character.isUpperCase(type.charAt(0));
    }

    private static void checkSum(byte[] file, int at, int length, String type) throws PictureFault {
        CRC32 sum = new CRC32();
        sum.update(file, at + TYPE, TYPE + length);
        if ((int) sum.getValue() != ByteBuffer.wrap(file).getInt(at + 2 * TYPE + length)) {
            throw new PictureFault("is damaged: the checksum of its " + type + " chunk is wrong; copy it again");
        }
    }
}
