package io.stencil.image;

import io.stencil.image.LosslessTransform.AreaMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Decodes lossless WebP images (`VP8L`, RFC 9649) to the very pixels that were encoded, also under transparency.
///
/// An image is a sequence of prefix-coded pixels, copies of earlier pixels and look-ups in a cache of recent colours;
/// transforms ([LosslessTransform]) are undone afterwards. Their parameters are images of the same kind.
final class LosslessWebp {

    private static final int SIGNATURE = 0x2F;
    private static final int SIDE_BITS = 14;
    private static final int LITERALS = 256;
    private static final int COPY_LENGTHS = 24;
    private static final int DISTANCES = 40;
    private static final int MAX_CACHE_BITS = 11;
    private static final int FIRST_PIXELS = 1 << 16;
    private static final int CACHE_FACTOR = 0x1E35A7BD;

    /// Offsets of nearby pixels to copy from, the nearest first: columns to the left and rows up.
    private static final int[][] NEARBY = nearby();

    /// The codes that pixels of one area are sent in.
    private record CodeGroup(
            PrefixCode green, PrefixCode red, PrefixCode blue, PrefixCode alpha, PrefixCode distance) {}

    /// @param indices of each area's group; null when there is one group
    private record Groups(List<CodeGroup> groups, @Nullable AreaMap indices) {

        CodeGroup at(int pixel, int width) {
            return groups.get(indices == null ? 0 : indices.at(pixel % width, pixel / width));
        }
    }

    private final PrefixCode.Bits bits;

    private LosslessWebp(PrefixCode.Bits bits) {
        this.bits = bits;
    }

    /// Decodes the image of a `VP8L` chunk, alpha dropped.
    ///
    /// @param file bytes whose last part, from index `data` on, is the chunk's data
    /// @throws ImageFault when the data is malformed or ends early
    static RgbImage decode(byte[] file, int data) throws ImageFault {
        PrefixCode.Bits bits = new PrefixCode.Bits(file, data);
        ImageSize size = readHeader(bits).size();
        int[] argb = new LosslessWebp(bits).image(size.width(), size.height());
        byte[] rgb = new byte[RgbImage.byteCount(size)];
        int at = 0;
        for (int pixel : argb) {
            rgb[at++] = (byte) (pixel >> 16);
            rgb[at++] = (byte) (pixel >> 8);
            rgb[at++] = (byte) pixel;
        }
        return RgbImage.of(size.width(), size.height(), rgb);
    }

    /// Decodes the alpha channel of the same image as grey levels.
    ///
    /// @return null for an image that is opaque by its header
    static @Nullable RgbImage decodeAlpha(byte[] file, int data) throws ImageFault {
        PrefixCode.Bits bits = new PrefixCode.Bits(file, data);
        Header header = readHeader(bits);
        if (!header.hasAlpha()) {
            return null;
        }
        ImageSize size = header.size();
        int[] argb = new LosslessWebp(bits).image(size.width(), size.height());
        byte[] grey = new byte[RgbImage.byteCount(size)];
        for (int i = 0; i < argb.length; i++) {
            Arrays.fill(grey, i * RgbImage.CHANNELS, (i + 1) * RgbImage.CHANNELS, (byte) (argb[i] >> 24));
        }
        return RgbImage.of(size.width(), size.height(), grey);
    }

    /// Reads the size of the image that [#decode] returns; its pixels stay undecoded.
    static ImageSize size(byte[] file, int data) throws ImageFault {
        return readHeader(new PrefixCode.Bits(file, data)).size();
    }

    /// @param hasAlpha whether the alpha channel is of use
    private record Header(ImageSize size, boolean hasAlpha) {}

    private static Header readHeader(PrefixCode.Bits bits) throws ImageFault {
        if (bits.read(Byte.SIZE) != SIGNATURE) {
            throw new ImageFault("is damaged: its lossless pixels begin with no signature; copy it again");
        }
        int width = bits.read(SIDE_BITS) + 1;
        int height = bits.read(SIDE_BITS) + 1;
        boolean hasAlpha = bits.readBit();
        int version = bits.read(3);
        if (version != 0) {
            throw new ImageFault("has lossless pixels of version %s, expected 0; save it again".formatted(version));
        }
        PixelDecoder.checkSize(width, height);
        return new Header(new ImageSize(width, height), hasAlpha);
    }

    private int[] image(int width, int height) throws ImageFault {
        List<LosslessTransform> transforms = new ArrayList<>();
        Set<Integer> kinds = new HashSet<>();
        int sentWidth = width;
        while (bits.readBit()) {
            int kind = bits.read(2);
            if (!kinds.add(kind)) {
                throw new ImageFault("is damaged: its pixels are transformed twice in one way; copy it again");
            }
            LosslessTransform transform = transform(kind, sentWidth, height);
            transforms.add(transform);
            sentWidth = transform.sentWidth();
        }
        int[] argb = pixels(sentWidth, height, true);
        for (LosslessTransform transform : transforms.reversed()) {
            argb = transform.undo(argb);
        }
        return argb;
    }

    /// @param kind number in the file, 0 to 3
    private LosslessTransform transform(int kind, int width, int height) throws ImageFault {
        return switch (kind) {
            case 0, 1 -> {
                int areaBits = bits.read(3) + 2;
                AreaMap areas = new AreaMap(areas(width, height, areaBits), width, areaBits);
                yield kind == 0
                        ? new LosslessTransform.Predictor(areas, width, height)
                        : new LosslessTransform.Colour(areas, width, height);
            }
            case 2 -> new LosslessTransform.SubtractGreen(width);
            default -> {
                int colours = bits.read(Byte.SIZE) + 1;
                yield new LosslessTransform.Palette(pixels(colours, 1, false), width, height);
            }
        };
    }

    /// Reads the values of an image's areas, `0xAARRGGBB`, row by row.
    private int[] areas(int width, int height, int areaBits) throws ImageFault {
        return pixels(AreaMap.count(width, areaBits), AreaMap.count(height, areaBits), false);
    }

    /// Pixels as they are sent, `0xAARRGGBB`. Memory follows what was decoded, as the size may be a lie.
    ///
    /// @param whole whether this is the image itself, whose areas may have codes of their own
    private int[] pixels(int width, int height, boolean whole) throws ImageFault {
        int cacheBits = 0;
        if (bits.readBit()) {
            cacheBits = bits.read(4);
            if (cacheBits < 1 || cacheBits > MAX_CACHE_BITS) {
                throw new ImageFault("is damaged: a colour cache of 2^%s colours, expected at most 2^%s; copy it again"
                        .formatted(cacheBits, MAX_CACHE_BITS));
            }
        }
        int[] cache = new int[cacheBits == 0 ? 0 : 1 << cacheBits];
        Groups groups = groups(width, height, whole, cache.length);
        int size = width * height;
        int[] argb = new int[Math.min(size, FIRST_PIXELS)];
        int cached = 0; // pixels before this one are in the cache
        for (int at = 0; at < size; ) {
            argb = at < argb.length ? argb : grown(argb, at + 1, size);
            CodeGroup group = groups.at(at, width);
            int green = group.green().read(bits);
            if (green < LITERALS) {
                int red = group.red().read(bits);
                int blue = group.blue().read(bits);
                argb[at++] = group.alpha().read(bits) << 24 | red << 16 | green << 8 | blue;
            } else if (green < LITERALS + COPY_LENGTHS) {
                int length = lengthOrDistance(green - LITERALS);
                int distance = distance(lengthOrDistance(group.distance().read(bits)), width);
                if (distance > at || length > size - at) {
                    throw new ImageFault("is damaged: its pixels are copied from outside the image; copy it again");
                }
                argb = at + length <= argb.length ? argb : grown(argb, at + length, size);
                for (int end = at + length; at < end; at++) {
                    argb[at] = argb[at - distance];
                }
            } else {
                for (; cached < at; cached++) {
                    cache[(argb[cached] * CACHE_FACTOR) >>> (Integer.SIZE - cacheBits)] = argb[cached];
                }
                argb[at++] = cache[green - LITERALS - COPY_LENGTHS];
            }
        }
        return argb;
    }

    private static int[] grown(int[] pixels, int needed, int size) {
        return Arrays.copyOf(pixels, (int) Math.min(size, Math.max(needed, 2L * pixels.length)));
    }

    private Groups groups(int width, int height, boolean whole, int cacheSize) throws ImageFault {
        AreaMap indices = null;
        int count = 1;
        if (whole && bits.readBit()) {
            int areaBits = bits.read(3) + 2;
            int[] areas = areas(width, height, areaBits);
            for (int i = 0; i < areas.length; i++) {
                areas[i] = areas[i] >> 8 & 0xFFFF;
                count = Math.max(count, areas[i] + 1);
            }
            indices = new AreaMap(areas, width, areaBits);
        }
        List<CodeGroup> groups = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            groups.add(new CodeGroup(
                    PrefixCode.read(bits, LITERALS + COPY_LENGTHS + cacheSize),
                    PrefixCode.read(bits, LITERALS),
                    PrefixCode.read(bits, LITERALS),
                    PrefixCode.read(bits, LITERALS),
                    PrefixCode.read(bits, DISTANCES)));
        }
        return new Groups(groups, indices);
    }

    /// Reads a length or distance: small values are symbols, larger ones have bits behind their symbol.
    private int lengthOrDistance(int symbol) throws ImageFault {
        if (symbol < 4) {
            return symbol + 1;
        }
        int extraBits = (symbol - 2) >> 1;
        return ((2 + (symbol & 1)) << extraBits) + bits.read(extraBits) + 1;
    }

    /// Pixels between a copy and its original.
    private static int distance(int code, int width) {
        if (code > NEARBY.length) {
            return code - NEARBY.length;
        }
        int[] offset = NEARBY[code - 1];
        return Math.max(1, offset[0] + offset[1] * width);
    }

    /// Lists offsets up to eight columns to the left, seven to the right and seven rows up, ordered by distance;
    /// where that is equal, by the columns, and the left before the right.
    private static int[][] nearby() {
        return IntStream.rangeClosed(0, 7)
                .boxed()
                .flatMap(up -> IntStream.rangeClosed(-7, 8)
                        .filter(left -> up > 0 || left > 0)
                        .mapToObj(left -> new int[] {left, up}))
                .sorted(Comparator.<int[]>comparingInt(offset -> offset[0] * offset[0] + offset[1] * offset[1])
                        .thenComparingInt(offset -> Math.abs(offset[0]))
                        .thenComparingInt(offset -> -offset[0]))
                .toArray(int[][]::new);
    }
}
