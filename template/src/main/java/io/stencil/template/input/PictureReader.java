package io.stencil.template.input;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import java.io.IOException;
import java.nio.file.Path;

/// A picture in JSON is the path of its file.
final class PictureReader extends StdDeserializer<RgbImage> {

    private static final long serialVersionUID = 1L;

    /// Attribute of the reader: the folder against which paths are resolved.
    static final String FOLDER = "folder";

    PictureReader() {
        super(RgbImage.class);
    }

    @Override
    public RgbImage deserialize(JsonParser parser, DeserializationContext context) throws IOException {
        if (parser.currentToken() != JsonToken.VALUE_STRING) {
            return (RgbImage) context.handleUnexpectedToken(RgbImage.class, parser);
        }
        Path folder = (Path) context.getAttribute(FOLDER);
        return RgbImageReader.read(folder.resolve(parser.getText()));
    }
}
