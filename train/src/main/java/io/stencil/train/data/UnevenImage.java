package io.stencil.train.data;

import io.stencil.image.RgbImage;
import io.stencil.image.TargetSize;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Finds images in Template inputs whose sides are not multiples of 16, which the VAE cannot encode.
final class UnevenImage {

    private UnevenImage() {}

    /// Whether a record, or what it holds all the way down, has such an image.
    static boolean isIn(Object value) {
        return switch (value) {
            case RgbImage image -> image.width() % TargetSize.FACTOR != 0 || image.height() % TargetSize.FACTOR != 0;
            case List<?> list -> list.stream().anyMatch(UnevenImage::isIn);
            case Optional<?> optional -> optional.isPresent() && isIn(optional.get());
            case Record fields ->
                Arrays.stream(fields.getClass().getRecordComponents()).anyMatch(component -> isIn(component, fields));
            default -> false;
        };
    }

    private static boolean isIn(RecordComponent component, Record fields) {
        try {
            component.getAccessor().setAccessible(true); // a record inside Model.java need not be public
            Object value = component.getAccessor().invoke(fields);
            return value != null && isIn(value);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("a component of a record cannot be read", e);
        }
    }
}
