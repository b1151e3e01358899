package io.stencil.template.input;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.files.LocalPath;
import io.stencil.image.ImagePath;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import java.nio.file.InvalidPathException;
import java.util.Arrays;
import java.util.Optional;

/// Reads one JSON value that is no list and no object, without turning one kind of value into another.
final class LeafReader {

    private LeafReader() {}

    /// @param type one of [InputType#isLeaf]
    /// @throws InvalidRequestException when the value is of another kind or out of the type's range
    static Object read(Class<?> type, JsonNode value, Place place) {
        if (InputType.isWhole(type)) {
            return whole(type, value, place);
        }
        if (InputType.isReal(type)) {
            return real(type, value, place);
        }
        if (InputType.isFlag(type)) {
            place.require(value.isBoolean(), type, value);
            return value.booleanValue();
        }
        if (type.isEnum()) {
            Optional<?> constant = Arrays.stream(type.getEnumConstants())
                    .filter(one -> value.isTextual() && ((Enum<?>) one).name().equals(value.textValue()))
                    .findFirst();
            place.require(constant.isPresent(), type, value);
            return constant.orElseThrow();
        }
        place.require(value.isTextual(), type, value);
        return type == RgbImage.class ? picture(value.textValue(), place) : value.textValue();
    }

    private static Object whole(Class<?> type, JsonNode value, Place place) {
        place.require(value.isIntegralNumber(), type, value);
        if (type == int.class || type == Integer.class) {
            place.require(value.canConvertToInt(), range(Integer.MIN_VALUE, Integer.MAX_VALUE), value);
            return value.intValue();
        }
        place.require(value.canConvertToLong(), range(Long.MIN_VALUE, Long.MAX_VALUE), value);
        return value.longValue();
    }

    private static String range(long lowest, long highest) {
        return "a whole number from %s to %s".formatted(lowest, highest);
    }

    private static Object real(Class<?> type, JsonNode value, Place place) {
        place.require(value.isNumber(), type, value);
        if (type == float.class || type == Float.class) {
            place.require(Float.isFinite(value.floatValue()), "a finite number of single precision", value);
            return value.floatValue();
        }
        place.require(Double.isFinite(value.doubleValue()), "a finite number", value);
        return value.doubleValue();
    }

    private static RgbImage picture(String path, Place place) {
        try {
            return RgbImageReader.read(ImagePath.resolve(place.folder(), path));
        } catch (InvalidPathException e) {
            throw new InvalidRequestException(place.location(), "is not a path: " + LocalPath.reason(e), e);
        }
    }
}
