package io.stencil.train.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.StencilException;
import io.stencil.image.ImageSize;
import io.stencil.image.Mask;
import io.stencil.image.Resampler;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.image.TargetSize;
import io.stencil.json.JsonReason;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.LoadedTemplate.BoundInput;
import io.stencil.train.data.DatasetRow.LossMask;
import io.stencil.train.options.DataOptions;
import io.stencil.train.options.DataOptions.MaskedLoss;
import io.stencil.train.options.DataOptions.OnBadRow;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Holds the rows of a dataset.
///
/// @param bad rows of the metadata file that cannot be used and were left out, in their order
/// @param heldOut indices in the metadata file of usable rows that belong to another part of the dataset, in their
/// order
/// @param folder against which relative paths are resolved
/// @param size that images are brought to
public record Dataset(List<DatasetRow> rows, List<BadRow> bad, List<Integer> heldOut, Path folder, TargetSize size) {

    /// Samples of an epoch, whose order is drawn at once.
    private static final int MAX_SAMPLES = 100_000_000;

    public Dataset {
        rows = List.copyOf(rows);
        bad = List.copyOf(bad);
        heldOut = List.copyOf(heldOut);
    }

    /// Reads the metadata file and validates every row without decoding images. With
    /// `--on_bad_row skip` rows that cannot be used are among [#bad].
    ///
    /// @throws InvalidFileException naming file, line and field
    /// @throws InvalidRequestException when the base path is no folder, an epoch has too many samples, or too many rows
    ///     cannot be used
    public static Dataset read(DataOptions options) {
        boolean skips = options.onBadRow() == OnBadRow.SKIP;
        Dataset dataset = read(options, skips);
        if (skips) {
            dataset.requireFewBad();
        }
        return dataset;
    }

    /// The same for a report: any number of rows may be among [#bad].
    public static Dataset readAll(DataOptions options) {
        return read(options, true);
    }

    private static Dataset read(DataOptions options, boolean skips) {
        if (!Files.isDirectory(options.basePath())) {
            throw new InvalidRequestException(
                    "dataset_base_path", "'%s' is not a directory".formatted(options.basePath()));
        }
        RowReader reader =
                new RowReader(options.basePath(), options.fileKeys(), options.extraInputs(), options.maskedLoss());
        List<DatasetRow> rows = new ArrayList<>();
        List<BadRow> bad = new ArrayList<>();
        List<MetadataFile.Row> found = MetadataFile.read(options.metadataPath());
        long samples = (long) found.size() * options.repeat();
        if (samples > MAX_SAMPLES) {
            throw new InvalidRequestException(
                    "dataset_repeat",
                    "%s makes %s samples an epoch of %s rows, at most %s are allowed; use --num_epochs for more"
                            .formatted(options.repeat(), samples, found.size(), MAX_SAMPLES));
        }
        for (int i = 0; i < found.size(); i++) {
            try {
                rows.add(reader.read(found.get(i)));
            } catch (InvalidFileException e) {
                if (!skips) {
                    throw e;
                }
                bad.add(new BadRow(i, e.getMessage()));
            }
        }
        if (options.maskedLoss() == MaskedLoss.MASK
                && bad.isEmpty()
                && rows.stream().allMatch(row -> row.mask() == null)) {
            throw new InvalidRequestException(
                    "masked_loss",
                    "mask needs the column 'mask', the path of each row's mask, but no row of %s has one"
                            .formatted(options.metadataPath()));
        }
        return new Dataset(rows, bad, List.of(), options.basePath(), options.size());
    }

    /// Where each row stands in the metadata file, from 0.
    public List<Integer> indices() {
        Set<Integer> left = bad.stream().map(BadRow::index).collect(Collectors.toCollection(HashSet::new));
        left.addAll(heldOut);
        return IntStream.range(0, rows.size() + left.size())
                .filter(index -> !left.contains(index))
                .boxed()
                .toList();
    }

    /// The dataset without more rows, in a new order of those that are left out.
    ///
    /// @param more rows of this dataset
    public Dataset without(Collection<BadRow> more) {
        Set<Integer> dropped = more.stream().map(BadRow::index).collect(Collectors.toSet());
        List<Integer> indices = indices();
        List<DatasetRow> kept = IntStream.range(0, rows.size())
                .filter(row -> !dropped.contains(indices.get(row)))
                .mapToObj(rows::get)
                .toList();
        List<BadRow> all = Stream.concat(bad.stream(), more.stream())
                .sorted(Comparator.comparingInt(BadRow::index))
                .toList();
        return new Dataset(kept, all, heldOut, folder, size);
    }

    /// Holds the two parts of a dataset.
    public record Split(Dataset training, Dataset heldOut) {}

    /// Splits the dataset.
    ///
    /// @param indices of the rows that are held out, in the metadata file
    public Split split(Set<Integer> indices) {
        return new Split(part(index -> !indices.contains(index)), part(indices::contains));
    }

    private Dataset part(IntPredicate belongs) {
        List<Integer> all = indices();
        List<DatasetRow> kept = IntStream.range(0, rows.size())
                .filter(row -> belongs.test(all.get(row)))
                .mapToObj(rows::get)
                .toList();
        List<Integer> others = Stream.concat(heldOut.stream(), all.stream().filter(index -> !belongs.test(index)))
                .sorted()
                .toList();
        return new Dataset(kept, bad, others, folder, size);
    }

    /// @throws InvalidRequestException when more rows cannot be used than may be skipped
    public void requireFewBad() {
        int all = rows.size() + bad.size() + heldOut.size();
        if (bad.size() > OnBadRow.maximumSkipped(all)) {
            throw new InvalidRequestException(
                    "on_bad_row",
                    "%s of %s rows cannot be used, at most %s may be skipped; 'stencil dataset check' lists them, the first: %s"
                            .formatted(
                                    bad.size(),
                                    all,
                                    OnBadRow.maximumSkipped(all),
                                    bad.getFirst().reason()));
        }
    }

    /// Refuses weights of rows, for a loss that has none.
    ///
    /// @throws InvalidFileException naming the first row with a weight
    public void requireNoWeights() {
        rows.stream().filter(row -> row.weight() != 1).findFirst().ifPresent(row -> {
            throw new InvalidFileException(
                    row.location().field("weight"), "has no part in --task vae; leave the column out");
        });
    }

    /// Checks that the images of every row can be brought to size, by the heads of their files: formats, sizes and
    /// structure, without decoding pixels.
    ///
    /// @throws InvalidFileException naming the row of the first that cannot be used
    public void checkHeads() {
        for (DatasetRow row : rows) {
            var _ = sizes(row);
            LossMask mask = row.mask();
            if (mask != null && mask.channels() == MaskedLoss.MASK) {
                var _ = named(mask.file(), row.location().field(mask.column()), () -> {
                    ImageSize found = RgbImageReader.size(mask.file());
                    requireSameSize(row, mask, found);
                    return found;
                });
            }
        }
    }

    /// Binds the Template inputs of a row, and throws what is wrong with them.
    @FunctionalInterface
    public interface RowBinding {

        /// @param folder against which relative paths are resolved
        void bind(ObjectNode templateInputs, Path folder);
    }

    /// Checks that every row's inputs fit the Template.
    ///
    /// @return the first row with an image in its inputs whose sides are not multiples of 16: not every Template can
    ///     use such, which only its `processInputs` shows
    /// @throws InvalidFileException naming file, line and field
    public Optional<DatasetRow> check(LoadedTemplate<?, ?> template) {
        DatasetRow uneven = null;
        for (DatasetRow row : rows) {
            ObjectNode inputs = row.templateInputs();
            if (inputs != null) {
                BoundInput<?, ?> bound = inRow(row, () -> template.bindRow(inputs, folder));
                if (uneven == null && UnevenImage.isIn(bound.input())) {
                    uneven = row;
                }
            }
        }
        return Optional.ofNullable(uneven);
    }

    /// Locates a fault of `processInputs` in its row, with the inputs.
    public static InvalidFileException inputFault(DatasetRow row, StencilException e) {
        ObjectNode inputs = row.templateInputs();
        return new InvalidFileException(
                row.location().field("template_inputs"),
                (inputs == null ? "" : JsonReason.shown(inputs) + ": ") + e.getMessage(),
                e);
    }

    private static <T> T inRow(DatasetRow row, Supplier<T> binding) {
        try {
            return binding.get();
        } catch (StencilException e) {
            throw inRow(row, e);
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

    /// Decodes a row's images and brings them to size, and binds its Template inputs. Safe to call from several
    /// threads.
    ///
    /// @param template that the inputs are for, or null when none takes part
    /// @throws InvalidFileException naming the row when an image cannot be decoded or is too small
    public Sample.Content load(DatasetRow row, @Nullable LoadedTemplate<?, ?> template) {
        RgbImage image = image(row.image(), row.location().field("image"));
        List<RgbImage> editImages = row.editImages().stream()
                .map(file -> image(file, row.location().field("edit_image")))
                .toList();
        BoundInput<?, ?> inputs = template == null
                ? null
                : inRow(row, () -> template.bindRow(Objects.requireNonNull(row.templateInputs()), folder));
        return new Sample.Content(image, editImages, inputs, mask(row, image.size()));
    }

    /// Scales and crops the mask of a row as its image, and reduces it to the latents.
    ///
    /// @param target size that the image was brought to
    /// @return null where the whole image counts in full
    private @Nullable Mask mask(DatasetRow row, ImageSize target) {
        LossMask mask = row.mask();
        if (mask == null) {
            return null;
        }
        return named(mask.file(), row.location().field(mask.column()), () -> {
            RgbImage read = mask.read();
            if (read == null) {
                return null;
            }
            requireSameSize(row, mask, read.size());
            Mask latents = Mask.averaged(Resampler.cover(read, target), TargetSize.FACTOR);
            if (latents.isFilledWith(0)) {
                throw new InvalidFileException(
                        mask.file(),
                        "is %s, so that no part of the image counts in the loss (--masked_loss %s); mend it, or leave the row out"
                                .formatted(
                                        mask.channels() == MaskedLoss.MASK ? "all black" : "wholly transparent",
                                        mask.channels().option()));
            }
            return latents.isFilledWith(1) ? null : latents;
        });
    }

    private static void requireSameSize(DatasetRow row, LossMask mask, ImageSize found) {
        ImageSize expected = RgbImageReader.size(row.image());
        if (!found.equals(expected)) {
            throw new InvalidFileException(
                    mask.file(),
                    "is %s pixels, but the image %s is %s; a mask has the size of its image: scale it"
                            .formatted(found, row.image(), expected));
        }
    }

    /// Reads all of a row and keeps nothing.
    ///
    /// @throws InvalidFileException naming the row and what is wrong with it
    void read(DatasetRow row, @Nullable RowBinding binding) {
        load(row);
        ObjectNode inputs = row.templateInputs();
        if (binding != null && inputs != null) {
            try {
                binding.bind(inputs, folder);
            } catch (StencilException e) {
                throw inRow(row, e);
            }
        }
    }

    /// The same without Template inputs.
    public Sample.Content load(DatasetRow row) {
        return load(row, null);
    }

    private RgbImage image(Path file, Location field) {
        return named(file, field, () -> size.fit(RgbImageReader.read(file)));
    }

    /// Computes the sizes that a row's images are brought to, the edit images after the target, without decoding them.
    ///
    /// @throws InvalidFileException naming the row when an image's head cannot be read or it is too small
    public List<ImageSize> sizes(DatasetRow row) {
        List<ImageSize> sizes = new ArrayList<>();
        sizes.add(size(row.image(), row.location().field("image")));
        row.editImages().forEach(file -> sizes.add(size(file, row.location().field("edit_image"))));
        return sizes;
    }

    private ImageSize size(Path file, Location field) {
        return named(file, field, () -> size.resolve(RgbImageReader.size(file)));
    }

    private static <T extends @Nullable Object> T named(Path file, Location field, Supplier<T> reading) {
        try {
            return reading.get();
        } catch (InvalidFileException e) {
            throw new InvalidFileException(field, e.getMessage(), e);
        } catch (InvalidRequestException e) {
            throw new InvalidFileException(field, file + ": " + e.getMessage(), e);
        } catch (OutOfMemoryError full) {
            throw new InvalidFileException(
                    field,
                    "%s: is too large to be brought to size in the memory of Java (out of memory: %s); scale the image down, or give Java more, such as STENCIL_JAVA_OPTS=-Xmx8g"
                            .formatted(file, full.getMessage()),
                    full);
        }
    }

    /// Finds images in Template inputs whose sides are not multiples of 16, which the VAE cannot encode.
    private static final class UnevenImage {

        private UnevenImage() {}

        /// Whether a record, or what it holds all the way down, has such an image.
        static boolean isIn(Object value) {
            return switch (value) {
                case RgbImage image ->
                    image.width() % TargetSize.FACTOR != 0 || image.height() % TargetSize.FACTOR != 0;
                case List<?> list -> list.stream().anyMatch(UnevenImage::isIn);
                case Optional<?> optional -> optional.isPresent() && isIn(optional.get());
                case Record fields ->
                    Arrays.stream(fields.getClass().getRecordComponents())
                            .anyMatch(component -> isIn(component, fields));
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

    /// A row of a dataset that cannot be used.
    ///
    /// @param index in the metadata file, from 0
    /// @param reason in one line, which begins with file and line of the row
    public record BadRow(int index, String reason) {}
}
