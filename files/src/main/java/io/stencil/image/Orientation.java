package io.stencil.image;

import com.drew.lang.ByteArrayReader;
import com.drew.metadata.Metadata;
import com.drew.metadata.exif.ExifIFD0Directory;
import com.drew.metadata.exif.ExifReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Turns stored pixels upright, as the camera was held. The constants stand in the order of EXIF's
/// values 1 to 8.
enum Orientation {
    UPRIGHT(false, false, false),
    MIRRORED(false, true, false),
    UPSIDE_DOWN(false, true, true),
    FLIPPED(false, false, true),
    TRANSPOSED(true, false, false),
    TURN_CLOCKWISE(true, false, true),
    TRANSVERSED(true, true, true),
    TURN_ANTICLOCKWISE(true, true, false);

    /// The property as an attribute or as an element.
    private static final Pattern IN_XMP = Pattern.compile("tiff:Orientation(?:=\"|>)([0-9])");

    private final boolean swapsSides;
    private final boolean fromRight;
    private final boolean fromBottom;

    /// @param fromRight  stored columns are read from the last to the first; likewise `fromBottom` stored rows
    Orientation(boolean swapsSides, boolean fromRight, boolean fromBottom) {
        this.swapsSides = swapsSides;
        this.fromRight = fromRight;
        this.fromBottom = fromBottom;
    }

    /// Reads the orientation: EXIF wins, whatever it says; XMP counts where EXIF has no such tag. Where both are
    /// malformed or without one, the image is upright: viewers agree on that, and the pixels are none the worse.
    ///
    /// @param exif a TIFF structure, also with the marker of a JPEG segment before it, or empty
    /// @param xmp  an XMP packet, or empty
    static Orientation of(byte[] exif, byte[] xmp) {
        int value = inExif(exif).orElseGet(() -> inXmp(xmp));
        return value < 1 || value > values().length ? UPRIGHT : values()[value - 1];
    }

    private static OptionalInt inExif(byte[] exif) {
        byte[] tiff = withoutMarker(exif);
        if (tiff.length == 0) {
            return OptionalInt.empty();
        }
        Metadata metadata = new Metadata();
        new ExifReader().extract(new ByteArrayReader(tiff), metadata);
        ExifIFD0Directory directory = metadata.getFirstDirectoryOfType(ExifIFD0Directory.class);
        Integer value = directory == null ? null : directory.getInteger(ExifIFD0Directory.TAG_ORIENTATION);
        return value == null ? OptionalInt.empty() : OptionalInt.of(value);
    }

    /// Returns the TIFF structure of an EXIF block.
    static byte[] withoutMarker(byte[] exif) {
        int tiff = 0;
        while (ImageFormat.startsWith(exif, tiff, JpegSegments.EXIF)) {
            tiff += JpegSegments.EXIF.length(); // some writers put the marker of a JPEG segment before it
        }
        return Arrays.copyOfRange(exif, tiff, exif.length);
    }

    private static int inXmp(byte[] xmp) {
        Matcher property = IN_XMP.matcher(new String(xmp, StandardCharsets.ISO_8859_1));
        return property.find() ? property.group(1).charAt(0) - '0' : 0;
    }

    /// Returns the size of the upright image.
    ImageSize apply(ImageSize stored) {
        return swapsSides ? stored.turned() : stored;
    }

    /// Turns the image upright; returns the same object when it is so already.
    RgbImage apply(RgbImage stored) {
        if (this == UPRIGHT) {
            return stored;
        }
        ImageSize upright = apply(stored.size());
        int width = upright.width();
        int height = upright.height();
        int right = fromRight ? -RgbImage.CHANNELS : RgbImage.CHANNELS;
        int down = (fromBottom ? -stored.width() : stored.width()) * RgbImage.CHANNELS;
        int corner = ((fromBottom ? stored.height() - 1 : 0) * stored.width() + (fromRight ? stored.width() - 1 : 0))
                * RgbImage.CHANNELS;
        int nextColumn = swapsSides ? down : right;
        int nextRow = swapsSides ? right : down;
        byte[] from = stored.rgb();
        byte[] to = new byte[from.length];
        int out = 0;
        for (int y = 0; y < height; y++) {
            int at = corner + y * nextRow;
            for (int x = 0; x < width; x++, at += nextColumn, out += RgbImage.CHANNELS) {
                to[out] = from[at];
                to[out + 1] = from[at + 1];
                to[out + 2] = from[at + 2];
            }
        }
        return RgbImage.of(width, height, to);
    }
}
