package io.stencil.template.load;

import io.stencil.files.Sha256;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The content of an input record, to be compared with that of another: two are equal where every component is,
/// whatever `equals` of the record says.
///
/// @param type class of the record
/// @param values of its components: scalars, contents of records, lists, and hashes of images
record InputContent(Class<?> type, List<@Nullable Object> values) {

    /// An image without its pixels.
    private record Image(ImageSize size, String sha256) {}

    static InputContent of(Record input) {
        List<@Nullable Object> values = new ArrayList<>();
        for (RecordComponent component : input.getClass().getRecordComponents()) {
            values.add(value(RecordArchive.read(input, component)));
        }
        return new InputContent(input.getClass(), values);
    }

    private static @Nullable Object value(@Nullable Object value) {
        return switch (value) {
            case null -> null;
            case RgbImage image -> new Image(image.size(), Sha256.of(image.rgb()));
            case Record inner -> of(inner);
            case Optional<?> optional -> value(optional.orElse(null));
            case List<?> list -> {
                List<@Nullable Object> elements = new ArrayList<>();
                list.forEach(element -> elements.add(value(element)));
                yield elements;
            }
            default -> value;
        };
    }
}
