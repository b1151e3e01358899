package io.stencil.image;

/// An image file taken apart by its container: a smaller file with the pixels and nothing else, and where its
/// orientation stands.
///
/// Profiles, gamma, transparent colours and thumbnails are left out. Decoders would apply some of them, each in its own
/// way, and stumble over malformed ones; the reference applies none.
final class Payload {

    private final byte[] pixels;
    private final byte[] exif;
    private final byte[] xmp;

    /// @param exif an EXIF block, empty when the file has none
    /// @param xmp  an XMP packet, empty when the file has none
    Payload(byte[] pixels, byte[] exif, byte[] xmp) {
        this.pixels = pixels;
        this.exif = exif;
        this.xmp = xmp;
    }

    /// A file of the same format, for the decoder.
    byte[] pixels() {
        return pixels;
    }

    /// How the decoded pixels must be turned.
    Orientation orientation() {
        return Orientation.of(exif, xmp);
    }
}
