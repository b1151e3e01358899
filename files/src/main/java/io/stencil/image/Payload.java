package io.stencil.image;

/// A picture file taken apart by its container: a smaller file with the pixels and nothing else, and the EXIF block.
///
/// Profiles, gamma, transparent colours and thumbnails are left out. Decoders would apply some of them, each in its own
/// way, and stumble over malformed ones; the reference applies none.
final class Payload {

    private final byte[] pixels;
    private final byte[] exif;

    Payload(byte[] pixels, byte[] exif) {
        this.pixels = pixels;
        this.exif = exif;
    }

    /// A file of the same format, for the decoder.
    byte[] pixels() {
        return pixels;
    }

    /// A TIFF structure, empty when the file has none.
    byte[] exif() {
        return exif;
    }
}
