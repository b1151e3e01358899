package io.stencil.train.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.files.LocalPath;
import io.stencil.image.RgbImageReader;
import io.stencil.json.JsonReason;
import io.stencil.train.data.DatasetRow.LossMask;
import io.stencil.train.options.DataOptions.ExtraInput;
import io.stencil.train.options.DataOptions.FileKey;
import io.stencil.train.options.DataOptions.MaskedLoss;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Validates rows of a metadata file, without decoding images.
///
/// @param folder against which relative paths are resolved
/// @param fileKeys columns whose files are looked at; the files that others name may be absent
/// @param extraInputs inputs beside image and prompt
/// @param maskedLoss where masks of the loss come from, or null for none
record RowReader(
        Path folder,
        Set<FileKey> fileKeys,
        Set<ExtraInput> extraInputs,
        @Nullable MaskedLoss maskedLoss) {

    private static final String IMAGE = FileKey.IMAGE.key();
    private static final String VIDEO = FileKey.VIDEO.key();
    private static final String PROMPT = "prompt";
    private static final String WEIGHT = "weight";
    private static final String MASK = FileKey.MASK.key();
    private static final String EDIT_IMAGE = ExtraInput.EDIT_IMAGE.key();
    private static final String TEMPLATE_INPUTS = ExtraInput.TEMPLATE_INPUTS.key();

    /// @throws InvalidFileException naming file, line and field of what is missing, mistyped or no image
    DatasetRow read(MetadataFile.Row row) {
        ObjectNode fields = row.fields();
        Location location = row.location();
        if (fileKeys.contains(FileKey.VIDEO) && fields.hasNonNull(VIDEO)) {
            throw new InvalidFileException(
                    location.field(VIDEO),
                    "videos are not supported; leave the row out, or video out of --data_file_keys");
        }
        Path image = image(required(fields, IMAGE, location), location.field(IMAGE));
        return new DatasetRow(
                image,
                text(required(fields, PROMPT, location), location.field(PROMPT)),
                editImages(fields, location),
                extraInputs.contains(ExtraInput.TEMPLATE_INPUTS)
                        ? object(required(fields, TEMPLATE_INPUTS, location), location.field(TEMPLATE_INPUTS))
                        : null,
                weight(fields.get(WEIGHT), location.field(WEIGHT)),
                mask(fields, image, location),
                location);
    }

    private @Nullable LossMask mask(ObjectNode fields, Path image, Location location) {
        Path file = fileKeys.contains(FileKey.MASK) && fields.hasNonNull(MASK)
                ? image(fields.get(MASK), location.field(MASK))
                : null;
        return switch (maskedLoss) {
            case MASK -> file == null ? null : new LossMask(file, MaskedLoss.MASK);
            case ALPHA -> new LossMask(image, MaskedLoss.ALPHA);
            case null -> null;
        };
    }

    private List<Path> editImages(ObjectNode fields, Location location) {
        boolean used = extraInputs.contains(ExtraInput.EDIT_IMAGE);
        if (!fileKeys.contains(FileKey.EDIT_IMAGE) || !(used || fields.hasNonNull(EDIT_IMAGE))) {
            return List.of();
        }
        List<Path> files = images(required(fields, EDIT_IMAGE, location), location.field(EDIT_IMAGE));
        return used ? files : List.of();
    }

    private static JsonNode required(ObjectNode fields, String key, Location row) {
        JsonNode value = fields.get(key);
        if (value == null || value.isNull()) {
            List<String> found = new ArrayList<>();
            fields.fieldNames().forEachRemaining(found::add);
            throw new InvalidFileException(
                    row.field(key), "is missing; every row needs it, found the columns " + NameList.of(found));
        }
        return value;
    }

    private static String text(JsonNode value, Location field) {
        if (!value.isTextual()) {
            throw new InvalidFileException(field, "must be a string, found " + JsonReason.shown(value));
        }
        return value.textValue();
    }

    /// The cell of a CSV file is text.
    private static double weight(@Nullable JsonNode value, Location field) {
        if (value == null || value.isNull()) {
            return 1;
        }
        double weight = Double.NaN;
        if (value.isNumber()) {
            weight = value.doubleValue();
        } else if (value.isTextual()) {
            try {
                weight = Double.parseDouble(value.textValue());
            } catch (NumberFormatException _) { // refused below
            }
        }
        if (!(weight >= 0 && Float.isFinite((float) weight))) {
            throw new InvalidFileException(
                    field, "must be a finite number of at least 0, found " + JsonReason.shown(value));
        }
        return weight;
    }

    private static ObjectNode object(JsonNode value, Location field) {
        if (value instanceof ObjectNode object) {
            return object;
        }
        throw new InvalidFileException(field, "must be a JSON object, found " + JsonReason.shown(value));
    }

    private List<Path> images(JsonNode value, Location field) {
        if (!value.isArray()) {
            return List.of(image(value, field));
        }
        if (value.isEmpty()) {
            throw new InvalidFileException(field, "must name at least one image, found []");
        }
        List<Path> images = new ArrayList<>();
        value.forEach(path -> images.add(image(path, field)));
        return images;
    }

    private Path image(JsonNode value, Location field) {
        String name = text(value, field);
        if (name.isBlank()) {
            throw new InvalidFileException(field, "must be the path of an image, found an empty string");
        }
        try {
            Path file = RgbImageReader.resolve(folder, name);
            RgbImageReader.checkFormat(file);
            return file;
        } catch (InvalidPathException e) {
            throw new InvalidFileException(field, "'%s' is not a path: %s".formatted(name, LocalPath.reason(e)), e);
        } catch (InvalidFileException | InvalidRequestException e) {
            throw new InvalidFileException(field, e.getMessage(), e);
        }
    }
}
