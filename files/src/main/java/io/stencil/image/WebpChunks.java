package io.stencil.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Takes a WebP file (RIFF) apart and makes a simple one of its first frame: no alpha plane, profile or animation.
final class WebpChunks {

    private static final int RIFF_HEADER = 12;
    private static final int HEADER = 8;
    private static final int FRAME_HEADER = 16;

    private static final int HAS_EXIF = 8;

    /// Offset of the pixels in a simple file.
    static final int SIMPLE_DATA = RIFF_HEADER + HEADER;

    private final ByteBuffer file;
    private byte[] frame = {};
    private byte[] exif = {};
    private byte[] xmp = {};
    private byte[] canvas = {};
    private boolean hasAlphaPlane;

    private WebpChunks(byte[] file) {
        this.file = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    }

    static ImageFormat.Payload payload(byte[] file) throws ImageFault {
        WebpChunks chunks = of(file);
        return new ImageFormat.Payload(chunks.simpleFile(), chunks.exif, chunks.xmp);
    }

    /// Whether the file has an alpha plane beside lossy pixels; lossless ones have alpha in themselves.
    static boolean hasAlphaPlane(byte[] file) throws ImageFault {
        return of(file).hasAlphaPlane;
    }

    private static WebpChunks of(byte[] file) throws ImageFault {
        WebpChunks chunks = new WebpChunks(file);
        long end = HEADER + Integer.toUnsignedLong(chunks.file.getInt(4));
        if (end > file.length) {
            throw ImageFault.cutShort("its data (%s of %s bytes)".formatted(file.length, end));
        }
        chunks.walk(RIFF_HEADER, (int) end, true);
        if (chunks.frame.length == 0) {
            throw new ImageFault("is a WebP file without an image in it; save it again");
        }
        return chunks;
    }

    /// Adds an EXIF block to a file of one image, which becomes a file with a header of features (`VP8X`).
    ///
    /// @param file a simple file: one chunk of pixels
    /// @param exif a TIFF structure
    static byte[] withExif(byte[] file, ImageSize size, byte[] exif) {
        int pixels = file.length - RIFF_HEADER;
        int features = HEADER + 10;
        int exifChunk = HEADER + exif.length + (exif.length & 1);
        ByteBuffer extended =
                ByteBuffer.allocate(RIFF_HEADER + features + pixels + exifChunk).order(ByteOrder.LITTLE_ENDIAN);
        extended.put("RIFF".getBytes(StandardCharsets.ISO_8859_1)).putInt(extended.capacity() - HEADER);
        extended.put("WEBPVP8X".getBytes(StandardCharsets.ISO_8859_1)).putInt(features - HEADER);
        extended.putInt(HAS_EXIF); // flags in the first byte, and three that are reserved
        for (int side : new int[] {size.width() - 1, size.height() - 1}) {
            extended.put((byte) side).put((byte) (side >> 8)).put((byte) (side >> 16));
        }
        extended.put(file, RIFF_HEADER, pixels);
        extended.put("EXIF".getBytes(StandardCharsets.ISO_8859_1)).putInt(exif.length);
        extended.put(exif);
        return extended.array();
    }

    /// @param simpleFile the pixels of a [#payload]
    static boolean isLossless(byte[] simpleFile) {
        return ImageFormat.startsWith(simpleFile, RIFF_HEADER, "VP8L");
    }

    /// @param top whether these are chunks of the file, and not of a frame, which holds no further frames
    private void walk(int from, int to, boolean top) throws ImageFault {
        int at = from;
        while (to - at >= HEADER) {
            String type = new String(file.array(), at, 4, StandardCharsets.ISO_8859_1);
            int length = file.getInt(at + 4);
            int data = at + HEADER;
            if (length < 0 || length > to - data) {
                throw ImageFault.cutShort("its '" + type + "' chunk");
            }
            read(type, at, data + length, top);
            // Chunks begin at even offsets.
            at = data + length + (length & 1);
        }
    }

    private void read(String type, int at, int end, boolean top) throws ImageFault {
        int data = at + HEADER;
        switch (type) {
            case "VP8 ", "VP8L" -> frame = frame.length == 0 ? Arrays.copyOfRange(file.array(), at, end) : frame;
            case "ALPH" -> hasAlphaPlane = true;
            case "VP8X" -> canvas = Arrays.copyOfRange(file.array(), Math.min(data + 4, end), end);
            case "EXIF" -> exif = Arrays.copyOfRange(file.array(), data, end);
            case "XMP " -> xmp = Arrays.copyOfRange(file.array(), data, end);
            case "ANMF" -> {
                if (top && frame.length == 0) {
                    readFirstFrame(data, end);
                }
            }
            default -> {}
        }
    }

    /// `ANMF`: place and size of the frame in 24-bit numbers, duration and flags, then chunks as in a still image.
    private void readFirstFrame(int data, int end) throws ImageFault {
        if (end - data < FRAME_HEADER) {
            throw ImageFault.cutShort("its first frame");
        }
        byte[] bytes = file.array();
        boolean atOrigin = Arrays.equals(bytes, data, data + 6, new byte[6], 0, 6);
        if (!atOrigin || !Arrays.equals(bytes, data + 6, data + 12, canvas, 0, Math.min(6, canvas.length))) {
            throw new ImageFault("is an animation whose first frame is not a whole image; save one frame as a still");
        }
        walk(data + FRAME_HEADER, end, false);
    }

    private byte[] simpleFile() {
        int padded = frame.length + (frame.length & 1);
        ByteBuffer simple = ByteBuffer.allocate(RIFF_HEADER + padded).order(ByteOrder.LITTLE_ENDIAN);
        simple.put("RIFF".getBytes(StandardCharsets.ISO_8859_1)).putInt(4 + padded);
        simple.put("WEBP".getBytes(StandardCharsets.ISO_8859_1)).put(frame);
        return simple.array();
    }
}
