package io.stencil.server;

import io.stencil.error.Location;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Decodes the images of one request, whose pixels together are bounded. An image is base64 or a `data:` URL of it; a
/// path, another URL or the ID of a file is none, so that a client can name nothing that the server would read.
final class Uploads {

    private static final Pattern DATA_URL = Pattern.compile("data:[a-zA-Z0-9/+.-]*;base64,");

    private long pixelsLeft;

    /// @param pixels largest number of pixels of all images together
    Uploads(long pixels) {
        this.pixelsLeft = pixels;
    }

    /// @param field name of the value, for messages
    RgbImage image(String field, byte[] file) {
        requirePixels(field, file);
        return RgbImageReader.read(file, Location.ofField(field));
    }

    /// @param text base64 or a `data:` URL
    RgbImage image(String field, String text) {
        return image(field, bytes(field, text));
    }

    /// Decodes a mask whose transparent part is to change: white there, black where the image stays.
    RgbImage transparency(String field, byte[] file) {
        requirePixels(field, file);
        RgbImage alpha = RgbImageReader.readAlpha(file, Location.ofField(field));
        if (alpha == null) {
            throw ApiException.invalid(
                    field,
                    "Invalid '%s': it has no alpha channel; a mask is transparent where the image is to change."
                            .formatted(field),
                    "invalid_image");
        }
        byte[] opacity = alpha.rgb();
        byte[] transparency = new byte[opacity.length];
        for (int i = 0; i < opacity.length; i++) {
            transparency[i] = (byte) ~opacity[i]; // 255 - opacity
        }
        return RgbImage.of(alpha.width(), alpha.height(), transparency);
    }

    private void requirePixels(String field, byte[] file) {
        ImageSize size = RgbImageReader.size(file, Location.ofField(field));
        pixelsLeft -= (long) size.width() * size.height();
        if (pixelsLeft < 0) {
            throw ApiException.invalid(
                    field,
                    "Invalid '%s': the images of the request have more pixels than the server accepts; scale them down."
                            .formatted(field),
                    "image_too_large");
        }
    }

    static byte[] bytes(String field, String text) {
        Matcher url = DATA_URL.matcher(text);
        try {
            return Base64.getDecoder().decode(url.lookingAt() ? text.substring(url.end()) : text);
        } catch (IllegalArgumentException _) {
            throw ApiException.invalid(
                    field,
                    "Invalid '%s'. Expected an image in base64 or a data URL of it; paths, other URLs and file IDs are not accepted."
                            .formatted(field),
                    "invalid_image");
        }
    }
}
