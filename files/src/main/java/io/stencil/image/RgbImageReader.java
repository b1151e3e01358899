package io.stencil.image;

import io.stencil.error.InvalidFileException;
import io.stencil.error.IoReason;
import io.stencil.error.Location;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Reads JPEG, PNG, WebP and BMP files, known by their content, upright by the orientation in their EXIF or XMP.
///
/// Pixels equal those of Pillow's `exif_transpose` and `convert("RGB")`: alpha is dropped and not blended, palettes are
/// expanded, grey is repeated, CMYK is taken as ink on white paper, 16-bit samples keep their high byte, colour
/// profiles and gamma are not applied. Three kinds of file differ: 16-bit grey PNG, which Pillow clips to white; JPEG
/// with chroma halved vertically only (4:4:0), where Pillow's library smooths the colour planes; and lossy WebP, where
/// it smooths them too and filters block edges a little differently. The mean brightness of such images is the
/// same, samples beside hard edges of colour are off by some tens of levels at worst.
///
/// Safe to call from several threads.
public final class RgbImageReader {

    private static final long MAX_BYTES = 1L << 30;

    /// Bytes of the longest signature.
    private static final int SIGNATURE_BYTES = 16;

    private static final Pattern URL = Pattern.compile("(?i)[a-z][a-z0-9+.-]+:/.*");

    private RgbImageReader() {}

    /// Reads an image, upright.
    ///
    /// @throws InvalidFileException when the file is absent, not an image, damaged, cut short, or has more than
    ///     [RgbImage#MAX_PIXELS] pixels or more than Java's memory holds
    public static RgbImage read(Path file) {
        return read(file, RgbImageReader::decode);
    }

    /// Reads the alpha channel of an image, upright, as grey levels: 0 is transparent, 255 opaque. PNG and lossless
    /// WebP files have one, JPEG and BMP none.
    ///
    /// @return null for a file without alpha, whose pixels are all opaque
    /// @throws InvalidFileException as [#read], and for lossy WebP with an alpha plane
    public static @Nullable RgbImage readAlpha(Path file) {
        return read(file, RgbImageReader::decodeAlpha);
    }

    /// Reads the size that [#read] gives an image. The file is read but its pixels are not decoded: damage that only a
    /// decoder meets is not seen.
    ///
    /// @throws InvalidFileException when the file is absent, not an image, damaged in the header with its size, or has
    ///     more than [RgbImage#MAX_PIXELS] pixels
    public static ImageSize size(Path file) {
        return read(file, RgbImageReader::size);
    }

    /// Reads the texts that a file carries; empty where there are none.
    ///
    /// @throws InvalidFileException as [#size] does, or when a text is longer than [ImageTexts#MAX_BYTES]
    static Optional<ImageTexts> texts(Path file) {
        return read(file, ImageTexts::of);
    }

    /// Decodes the bytes of an image file, upright.
    ///
    /// @param place of the bytes, for messages, such as the field of a request
    /// @throws InvalidFileException as [#read(Path)] does
    public static RgbImage read(byte[] file, Location place) {
        return read(place, () -> decode(file));
    }

    /// Reads the size that [#read(byte[], Location)] gives an image, without decoding its pixels: a check before
    /// memory is taken for them.
    ///
    /// @param place of the bytes, for messages
    /// @throws InvalidFileException as [#size(Path)] does
    public static ImageSize size(byte[] file, Location place) {
        return read(place, () -> size(file));
    }

    /// Reads the alpha channel of the bytes of an image file as [#readAlpha(Path)] does.
    ///
    /// @param place of the bytes, for messages
    /// @return null for a file without alpha, whose pixels are all opaque
    /// @throws InvalidFileException as [#readAlpha(Path)] does
    public static @Nullable RgbImage readAlpha(byte[] file, Location place) {
        return read(place, () -> decodeAlpha(file));
    }

    /// Whether a file begins as an image does.
    public static boolean isImage(Path file) {
        try (InputStream stream = Files.newInputStream(file)) {
            ImageFormat.of(stream.readNBytes(SIGNATURE_BYTES));
            return true;
        } catch (IOException _) {
            return false; // what cannot be read is reported by whoever reads it
        }
    }

    @FunctionalInterface
    private interface Reading<T extends @Nullable Object> {
        T of() throws IOException;
    }

    /// Reads a part of an image from the bytes of its file.
    @FunctionalInterface
    private interface Part<T extends @Nullable Object> {
        T of(byte[] file) throws IOException;
    }

    private static <T extends @Nullable Object> T read(Path file, Part<T> reading) {
        requireReadable(file);
        byte[] content = bytes(file);
        return read(Location.of(file), () -> reading.of(content));
    }

    private static <T extends @Nullable Object> T read(Location place, Reading<T> reading) {
        try {
            return reading.of();
        } catch (InvalidFileException fault) {
            throw fault;
        } catch (ImageFault fault) {
            throw new InvalidFileException(place, fault.what(), fault);
        } catch (OutOfMemoryError full) {
            throw new InvalidFileException(
                    place,
                    "is too large for the memory of Java (out of memory: %s); scale the image down, or give Java more, such as STENCIL_JAVA_OPTS=-Xmx8g"
                            .formatted(full.getMessage()),
                    full);
        } catch (EOFException fault) {
            ImageFault ended = ImageFault.cutShort("its pixels");
            throw new InvalidFileException(place, ended.what(), fault);
        } catch (IOException fault) {
            throw new InvalidFileException(
                    place,
                    "is damaged and cannot be decoded (" + IoReason.of(fault) + "); copy or save it again",
                    fault);
        } catch (RuntimeException fault) {
            // Decoders answer damaged input with exceptions of any kind, whose words are about themselves.
            throw new InvalidFileException(place, "is damaged and cannot be decoded; copy or save it again", fault);
        }
    }

    /// Checks that a file exists and begins as an image does, without decoding it: a check of many files before long
    /// work.
    ///
    /// @throws InvalidFileException when the file is absent, empty or not an image
    public static void checkFormat(Path file) {
        requireReadable(file);
        try (InputStream stream = Files.newInputStream(file)) {
            ImageFormat.of(stream.readNBytes(SIGNATURE_BYTES));
        } catch (ImageFault fault) {
            throw new InvalidFileException(Location.of(file), fault.what(), fault);
        } catch (IOException fault) {
            throw unreadable(file, fault);
        }
    }

    /// Resolves the name of an image as datasets and Template inputs hold it. Where no such file exists, the message
    /// hints at usual mistakes: URLs, `~`, backslashes, another Unicode normalization form.
    ///
    /// @param folder folder against which a relative path is resolved
    /// @throws InvalidFileException when there is no such file
    /// @throws java.nio.file.InvalidPathException when the name cannot be a path
    public static Path resolve(Path folder, String name) {
        Path file = folder.resolve(name);
        if (!Files.exists(file)) {
            String hint = hint(folder, name);
            throw new InvalidFileException(
                    file, "no such file; " + (hint == null ? "give the path of an image" : hint));
        }
        return file;
    }

    private static @Nullable String hint(Path folder, String name) {
        if (URL.matcher(name).matches()) {
            return "URLs are not supported: download the image and give its path";
        }
        if (name.startsWith("~")) {
            return "'~' is not expanded: write the whole path of the home directory";
        }
        if (name.contains("\\")) {
            return "write '/' between folders, '\\' is part of a file name here";
        }
        return otherForm(folder, name)
                .map(
                        "a file of this name exists in Unicode normalization form %s: rename it, or write its name in that form"
                                ::formatted)
                .orElse(null);
    }

    private static Optional<Normalizer.Form> otherForm(Path folder, String name) {
        for (Normalizer.Form form : new Normalizer.Form[] {Normalizer.Form.NFC, Normalizer.Form.NFD}) {
            String other = Normalizer.normalize(name, form);
            if (!other.equals(name) && Files.exists(folder.resolve(other))) {
                return Optional.of(form);
            }
        }
        return Optional.empty();
    }

    private static RgbImage decode(byte[] file) throws IOException {
        ImageFormat format = ImageFormat.of(file);
        return switch (format) {
            case JPEG -> {
                JpegSegments.Parts parts = JpegSegments.of(file);
                RgbImage stored = PixelDecoder.decodeJpeg(parts.payload().pixels(), parts.colours());
                yield parts.payload().orientation().apply(stored);
            }
            case PNG -> {
                ImageFormat.Payload payload = PngChunks.payload(file);
                RgbImage stored = PixelDecoder.decodePng(payload.pixels(), PngChunks.paletteSize(payload.pixels()));
                yield payload.orientation().apply(stored);
            }
            case WEBP -> {
                ImageFormat.Payload payload = WebpChunks.payload(file);
                RgbImage stored = WebpChunks.isLossless(payload.pixels())
                        ? LosslessWebp.decode(payload.pixels(), WebpChunks.SIMPLE_DATA)
                        : PixelDecoder.decode(format, payload.pixels());
                yield payload.orientation().apply(stored);
            }
            case BMP -> PixelDecoder.decode(format, file);
        };
    }

    private static @Nullable RgbImage decodeAlpha(byte[] file) throws IOException {
        return switch (ImageFormat.of(file)) {
            case JPEG, BMP -> null;
            case PNG -> {
                ImageFormat.Payload payload = PngChunks.payload(file);
                PngChunks.Transparency transparency = PngChunks.transparency(file);
                yield transparency.isPresent()
                        ? payload.orientation().apply(PixelDecoder.decodePngAlpha(payload.pixels(), transparency))
                        : null;
            }
            case WEBP -> {
                ImageFormat.Payload payload = WebpChunks.payload(file);
                if (WebpChunks.isLossless(payload.pixels())) {
                    RgbImage stored = LosslessWebp.decodeAlpha(payload.pixels(), WebpChunks.SIMPLE_DATA);
                    yield stored == null ? null : payload.orientation().apply(stored);
                }
                if (WebpChunks.hasAlphaPlane(file)) {
                    throw new ImageFault(
                            "is a lossy WebP with an alpha plane, which cannot be read; save it as PNG or lossless WebP");
                }
                yield null;
            }
        };
    }

    private static ImageSize size(byte[] file) throws IOException {
        ImageFormat format = ImageFormat.of(file);
        return switch (format) {
            case JPEG -> size(format, JpegSegments.of(file).payload());
            case PNG -> size(format, PngChunks.payload(file));
            case WEBP -> {
                ImageFormat.Payload payload = WebpChunks.payload(file);
                yield WebpChunks.isLossless(payload.pixels())
                        ? payload.orientation().apply(LosslessWebp.size(payload.pixels(), WebpChunks.SIMPLE_DATA))
                        : size(format, payload);
            }
            case BMP -> PixelDecoder.size(format, file);
        };
    }

    private static ImageSize size(ImageFormat format, ImageFormat.Payload payload) throws IOException {
        return payload.orientation().apply(PixelDecoder.size(format, payload.pixels()));
    }

    private static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException fault) {
            throw unreadable(file, fault);
        }
    }

    private static void requireReadable(Path file) {
        if (!Files.exists(file)) {
            throw new InvalidFileException(file, "no such file; give the path of an image");
        }
        if (Files.isDirectory(file)) {
            throw new InvalidFileException(file, "is a folder; give the path of an image");
        }
        try {
            long size = Files.size(file);
            if (size == 0) {
                throw new InvalidFileException(file, "is empty; copy or download it again");
            }
            if (size > MAX_BYTES) {
                throw new InvalidFileException(
                        file, "has %s bytes, more than the %s that are read; scale it down".formatted(size, MAX_BYTES));
            }
        } catch (IOException fault) {
            throw unreadable(file, fault);
        }
    }

    private static InvalidFileException unreadable(Path file, IOException fault) {
        return new InvalidFileException(Location.of(file), "cannot be read (" + fault + "); check its rights", fault);
    }
}
