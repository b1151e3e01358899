package io.stencil.template.input;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import java.lang.reflect.Type;
import java.nio.file.Path;

/// Where in a Template input a value stands.
///
/// @param path `style.points[2].x`; empty for the input as a whole
/// @param folder against which paths of pictures are resolved
record Place(String path, Path folder) {

    private static final String WHOLE = "template_inputs";

    Place field(String name) {
        return new Place(path.isEmpty() ? name : path + "." + name, folder);
    }

    Place element(int index) {
        return new Place(path + "[" + index + "]", folder);
    }

    Location location() {
        return Location.ofField(path.isEmpty() ? WHOLE : path);
    }

    InvalidRequestException fault(String what) {
        return new InvalidRequestException(location(), what);
    }

    /// @throws InvalidRequestException saying what was expected and found, when `fits` is false
    void require(boolean fits, Type expected, JsonNode found) {
        require(fits, InputType.describe(expected), found);
    }

    void require(boolean fits, String expected, JsonNode found) {
        if (!fits) {
            throw fault("must be %s, found %s".formatted(expected, found));
        }
    }
}
