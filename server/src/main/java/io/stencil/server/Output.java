package io.stencil.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageFormat;
import io.stencil.image.ImageSize;
import io.stencil.image.ImageTexts;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.pipeline.GenerationParameters;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Locale;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// Format in which images are sent.
///
/// @param format PNG, JPEG or WebP
/// @param quality 0 to 100; null for the default of the format
record Output(ImageFormat format, @Nullable Integer quality) {

    private static final int FULL = 100;

    /// Reads `output_format` and `output_compression`.
    static Output read(Fields fields) {
        ImageFormat format = fields.oneOf("output_format", "png", "jpeg", "webp")
                .map(Output::format)
                .orElse(ImageFormat.PNG);
        OptionalLong compression = fields.whole("output_compression", 0, FULL);
        if (format == ImageFormat.PNG && compression.orElse(FULL) < FULL) {
            throw ApiException.invalidValue(
                    fields.path("output_compression"),
                    "Invalid '%s': PNG is not lossy; leave it out, or choose jpeg or webp."
                            .formatted(fields.path("output_compression")));
        }
        return new Output(format, compression.isEmpty() ? null : Math.toIntExact(compression.getAsLong()));
    }

    /// @param name `png`, `jpeg` or `webp`
    /// @throws ApiException when this server has no encoder for it
    static ImageFormat format(String name) {
        try {
            return ImageFormat.ofName(Path.of("image." + name));
        } catch (InvalidRequestException fault) {
            throw ApiException.invalidValue("output_format", fault.what());
        }
    }

    /// Returns the name in OpenAI's API: `png`, `jpeg` or `webp`.
    String name() {
        return format.name().toLowerCase(Locale.ROOT);
    }

    /// Encodes an image, which carries its generation parameters, where the format holds texts of their length.
    byte[] encode(GeneratedImage image, GenerationParameters parameters) throws IOException {
        @Nullable ImageTexts texts = texts(parameters);
        if (!fits(image, texts)) {
            texts = null;
        }
        return quality == null
                ? RgbImageWriter.encode(image.image(), format, texts)
                : RgbImageWriter.encode(image.image(), format, texts, quality);
    }

    String base64(GeneratedImage image, GenerationParameters parameters) throws IOException {
        return Base64.getEncoder().encodeToString(encode(image, parameters));
    }

    /// Refuses a size that the format does not hold, before the image is generated.
    void requireFits(ImageSize size) {
        try {
            format.requireFits(size, null);
        } catch (InvalidRequestException fault) {
            throw ApiException.invalidValue("output_format", "Invalid 'output_format': %s.".formatted(fault.what()));
        }
    }

    private boolean fits(GeneratedImage image, ImageTexts texts) {
        try {
            format.requireFits(image.image().size(), texts);
            return true;
        } catch (InvalidRequestException _) {
            return false;
        }
    }

    /// Writes the texts with the names of the base model's files, and without the folders of this machine.
    private static ImageTexts texts(GenerationParameters parameters) {
        ObjectNode json = parameters.json();
        for (JsonNode file : json.path("model").findParents("path")) {
            Path name = Path.of(file.path("path").asText()).getFileName();
            ((ObjectNode) file).put("path", String.valueOf(name));
        }
        return new ImageTexts(parameters.texts().parameters(), json.toString());
    }

    /// Encodes a preview, which carries no texts.
    String base64(RgbImage preview) throws IOException {
        return Base64.getEncoder().encodeToString(RgbImageWriter.encode(preview, format, null));
    }
}
