package io.stencil.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// Compares the size in the header of an image with what its data can hold at the highest compression of its format.
/// A file of some bytes may claim millions of pixels, and decoders allocate them before they read any.
///
/// Lossless WebP needs no bits for pixels of one colour: [LosslessWebp] allocates as it decodes.
final class DataCapacity {

    /// Of deflate: 258 bytes in two bits.
    private static final long PNG_RATIO = 1032;

    /// A run-length code of BMP skips up to 255 columns and 255 rows, in four bytes.
    private static final long BMP_SKIP = 255L * 255;

    private static final int BMP_SKIP_BYTES = 4;
    private static final int BMP_CORE_HEADER = 12;

    private static final int VP8_DATA = WebpChunks.SIMPLE_DATA;
    private static final int VP8_HEADER = 10;
    private static final int VP8_BLOCK = 16;
    private static final int JPEG_BLOCK = 8;

    private DataCapacity() {}

    /// @param size in the header
    /// @param file as the decoder takes it
    /// @throws ImageFault when the data cannot hold that many pixels
    static void check(ImageFormat format, ImageSize size, byte[] file) throws ImageFault {
        boolean fits = switch (format) {
            case PNG -> fitsPng(size, file);
            case JPEG -> fitsJpeg(size, file);
            case BMP -> fitsBmp(size, ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN));
            case WEBP -> fitsVp8(size, file);
        };
        if (!fits) {
            throw ImageFault.cutShort("its pixels (its header says %s x %s pixels, more than its %s bytes can hold)"
                    .formatted(size.width(), size.height(), file.length));
        }
    }

    private static boolean fitsPng(ImageSize size, byte[] file) {
        ByteBuffer chunks = ByteBuffer.wrap(file);
        long data = 0;
        for (int at = PngChunks.SIGNATURE.length(); at < file.length; at += PngChunks.FRAME + chunks.getInt(at)) {
            data += ImageFormat.startsWith(file, at + PngChunks.TYPE, "IDAT") ? chunks.getInt(at) : 0;
        }
        int channels = switch (file[PngChunks.COLOUR_TYPE]) {
            case 2 -> 3;
            case 4 -> 2;
            case 6 -> 4;
            default -> 1;
        };
        long bits = pixels(size) * channels * file[PngChunks.COLOUR_TYPE - 1];
        return bits / Byte.SIZE <= data * PNG_RATIO;
    }

    /// Estimates from below: each block of pixels of the component with the most takes a bit at least, in the scan of
    /// its mean.
    private static boolean fitsJpeg(ImageSize size, byte[] file) {
        int frame = JpegSegments.frame(file);
        int across = 1;
        int down = 1;
        int components = frame < 0 ? 0 : file[frame + 5] & 0xFF;
        for (int i = 0; i < components && frame + 7 + 3 * i < file.length; i++) {
            int sampling = file[frame + 7 + 3 * i] & 0xFF;
            across = Math.max(across, sampling >> 4);
            down = Math.max(down, sampling & 0xF);
        }
        return blocks(size, JPEG_BLOCK * across, JPEG_BLOCK * down) <= (long) file.length * Byte.SIZE;
    }

    private static boolean fitsBmp(ImageSize size, ByteBuffer file) throws ImageFault {
        boolean core = file.getInt(14) == BMP_CORE_HEADER;
        long data = Math.max(0, file.capacity() - Integer.toUnsignedLong(file.getInt(10)));
        int compression = core ? 0 : file.getInt(30);
        return switch (compression) {
            case 1, 2 -> pixels(size) <= data / BMP_SKIP_BYTES * BMP_SKIP + BMP_SKIP;
            case 4, 5 ->
                throw new ImageFault("is a BMP with a JPEG or PNG image in it; convert it to one of these formats");
            default -> {
                long row = Math.ceilDiv((long) size.width() * file.getShort(core ? 24 : 28), Byte.SIZE);
                yield (size.height() - 1L) * Math.ceilDiv(row, Integer.BYTES) * Integer.BYTES + row <= data;
            }
        };
    }

    /// Estimates from below: the modes of each block take three bits at least, in the first partition of the data.
    private static boolean fitsVp8(ImageSize size, byte[] file) {
        int tag = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getInt(VP8_DATA);
        long partition = Math.min(tag >> 5 & 0x7FFFF, file.length - VP8_DATA - VP8_HEADER);
        return blocks(size, VP8_BLOCK, VP8_BLOCK) <= partition * Byte.SIZE;
    }

    private static long pixels(ImageSize size) {
        return (long) size.width() * size.height();
    }

    private static long blocks(ImageSize size, int width, int height) {
        return (long) Math.ceilDiv(size.width(), width) * Math.ceilDiv(size.height(), height);
    }
}
