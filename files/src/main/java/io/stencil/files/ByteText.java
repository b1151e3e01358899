package io.stencil.files;

import java.util.Locale;

/// Formats sizes for people.
public final class ByteText {

    private static final String[] UNITS = {"B", "kB", "MB", "GB", "TB"};

    private ByteText() {}

    /// Formats bytes in decimal units: `3.8 MB`.
    public static String of(long bytes) {
        double size = bytes;
        int unit = 0;
        while (size >= 1000 && unit < UNITS.length - 1) {
            size /= 1000;
            unit++;
        }
        return unit == 0 ? bytes + " B" : String.format(Locale.ROOT, "%.1f %s", size, UNITS[unit]);
    }
}
