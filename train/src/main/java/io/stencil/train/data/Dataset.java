package io.stencil.train.data;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.StencilException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.image.TargetSize;
import io.stencil.template.load.BoundInput;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.train.options.DataOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The rows that a training run learns from.
///
/// @param folder against which relative paths are resolved
/// @param size that pictures are brought to
public record Dataset(List<DatasetRow> rows, Path folder, TargetSize size) {

    /// Samples of an epoch, whose order is drawn at once.
    private static final int MAX_SAMPLES = 100_000_000;

    public Dataset {
        rows = List.copyOf(rows);
    }

    /// Reads the metadata file and checks every row as far as no picture must be decoded.
    ///
    /// @throws InvalidFileException naming file, line and field
    /// @throws InvalidRequestException when the base path is no folder, or an epoch has too many samples
    public static Dataset read(DataOptions options) {
        if (!Files.isDirectory(options.basePath())) {
            throw new InvalidRequestException("dataset_base_path", "'%s' is no folder".formatted(options.basePath()));
        }
        RowReader reader = new RowReader(options.basePath(), options.fileKeys(), options.extraInputs());
        List<DatasetRow> rows = new ArrayList<>();
        List<MetadataRow> found = MetadataFile.read(options.metadataPath());
        long samples = (long) found.size() * options.repeat();
        if (samples > MAX_SAMPLES) {
            throw new InvalidRequestException(
                    "dataset_repeat",
                    "%s makes %s samples an epoch of %s rows, at most %s are allowed; use --num_epochs for more"
                            .formatted(options.repeat(), samples, found.size(), MAX_SAMPLES));
        }
        found.forEach(row -> rows.add(reader.read(row)));
        return new Dataset(rows, options.basePath(), options.size());
    }

    /// Checks that every row's inputs fit the Template.
    ///
    /// @throws InvalidFileException naming file, line and field
    public void check(LoadedTemplate<?, ?> template) {
        for (DatasetRow row : rows) {
            if (row.templateInputs() != null) {
                try {
                    template.bindRow(row.templateInputs(), folder);
                } catch (StencilException e) {
                    throw inRow(row, e);
                }
            }
        }
    }

    private static InvalidFileException inRow(DatasetRow row, StencilException e) {
        Location inner = e.location();
        String field = inner == null || inner.file() != null ? null : inner.field();
        if (field == null) {
            return new InvalidFileException(row.location().field("template_inputs"), e.getMessage(), e);
        }
        String full = field.startsWith("template_inputs") ? field : "template_inputs." + field;
        return new InvalidFileException(row.location().field(full), e.what(), e);
    }

    /// Decodes a row's pictures and brings them to size, and binds its Template inputs. Safe to call from several
    /// threads.
    ///
    /// @param template that the inputs are for, or null when none takes part
    /// @throws InvalidFileException naming the row when a picture cannot be decoded or is too small
    public TrainingSample load(DatasetRow row, @Nullable LoadedTemplate<?, ?> template) {
        RgbImage image = picture(row.image(), row.location().field("image"));
        List<RgbImage> editImages = row.editImages().stream()
                .map(file -> picture(file, row.location().field("edit_image")))
                .toList();
        BoundInput<?, ?> inputs =
                template == null ? null : template.bindRow(Objects.requireNonNull(row.templateInputs()), folder);
        return new TrainingSample(image, row.prompt(), editImages, inputs);
    }

    /// The same without Template inputs.
    public TrainingSample load(DatasetRow row) {
        return load(row, null);
    }

    private RgbImage picture(Path file, Location field) {
        return named(file, field, () -> size.fit(RgbImageReader.read(file)));
    }

    /// The sizes that a row's pictures are brought to, the edit images after the target, without decoding them.
    ///
    /// @throws InvalidFileException naming the row when a picture's head cannot be read or it is too small
    public List<ImageSize> sizes(DatasetRow row) {
        List<ImageSize> sizes = new ArrayList<>();
        sizes.add(size(row.image(), row.location().field("image")));
        row.editImages().forEach(file -> sizes.add(size(file, row.location().field("edit_image"))));
        return sizes;
    }

    private ImageSize size(Path file, Location field) {
        return named(file, field, () -> size.resolve(RgbImageReader.size(file)));
    }

    private static <T> T named(Path file, Location field, Supplier<T> reading) {
        try {
            return reading.get();
        } catch (InvalidFileException e) {
            throw new InvalidFileException(field, e.getMessage(), e);
        } catch (InvalidRequestException e) {
            throw new InvalidFileException(field, file + ": " + e.getMessage(), e);
        }
    }
}
