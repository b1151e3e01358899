package io.stencil.image;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;

/// The images among the test resources, and comparison of images.
final class Images {

    private Images() {}

    static Path folder(String name) {
        URL url = Objects.requireNonNull(Images.class.getResource("/image/" + name), name);
        try {
            return Path.of(url.toURI());
        } catch (URISyntaxException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    static List<Path> files(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        } catch (IOException fault) {
            throw new UncheckedIOException(fault);
        }
    }

    /// A binary PPM as Pillow writes it: three header lines, then the bytes.
    static RgbImage ppm(Path file) {
        try {
            byte[] bytes = Files.readAllBytes(file);
            int at = 0;
            for (int lines = 0; lines < 3; at++) {
                lines += bytes[at] == '\n' ? 1 : 0;
            }
            String[] header = new String(bytes, 0, at, StandardCharsets.US_ASCII).split("\\s+", -1);
            return RgbImage.of(
                    Integer.parseInt(header[1]),
                    Integer.parseInt(header[2]),
                    Arrays.copyOfRange(bytes, at, bytes.length));
        } catch (IOException fault) {
            throw new UncheckedIOException(fault);
        }
    }

    /// The largest difference of two samples, 0..255; 256 when the sizes differ.
    static int maxDifference(RgbImage first, RgbImage second) {
        if (!first.size().equals(second.size())) {
            return 256;
        }
        int max = 0;
        for (int i = 0; i < first.rgb().length; i++) {
            max = Math.max(max, Math.abs((first.rgb()[i] & 0xFF) - (second.rgb()[i] & 0xFF)));
        }
        return max;
    }

    /// How much brighter the first image is, in levels of 255, averaged over all samples.
    static double meanExcess(RgbImage first, RgbImage second) {
        long sum = 0;
        for (int i = 0; i < first.rgb().length; i++) {
            sum += (first.rgb()[i] & 0xFF) - (second.rgb()[i] & 0xFF);
        }
        return (double) sum / first.rgb().length;
    }

    static RgbImage random(int width, int height, long seed) {
        byte[] rgb = new byte[width * height * RgbImage.CHANNELS];
        new Random(seed).nextBytes(rgb);
        return RgbImage.of(width, height, rgb);
    }
}
