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

    private static final int TYPE = 4;
    private static final int FRAME = 12; // length, type, checksum

    private PngChunks() {}

    static Payload payload(byte[] file) throws PictureFault {
        ByteArrayOutputStream pixels = new ByteArrayOutputStream(file.length);
        pixels.write(file, 0, SIGNATURE.length());
        byte[] exif = {};
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
            }
            if (type.equals("IEND")) {
                return new Payload(pixels.toByteArray(), exif);
            }
            at = end;
        }
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
