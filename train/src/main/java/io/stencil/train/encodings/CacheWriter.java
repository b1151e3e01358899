package io.stencil.train.encodings;

import io.stencil.distributed.ProcessGroup;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.RowDigest;
import io.stencil.train.data.Sample;
import io.stencil.train.encodings.SampleFile.CachedRow;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Fills a cache. Each file is there as a whole or not at all, so that a stopped run goes on where it was. A sample
/// that is there is known by the digest of what it was made of: one that was made of something else is encoded again.
public final class CacheWriter {

    private final CacheFolder cache;
    private final Dataset dataset;
    private final SamplePlan plan;

    private CacheWriter(CacheFolder cache, Dataset dataset, SamplePlan plan) {
        this.cache = cache;
        this.dataset = dataset;
        this.plan = plan;
    }

    /// Begins a cache in the options' `output_path`, or goes on with the one that is there. Each process of a run calls
    /// it; the first makes the cache before the others look.
    ///
    /// @param dataset whose files are read, to know their content
    /// @param frozenWeights hash of what of the Template is not trained, or null when none takes part
    /// @throws io.stencil.error.InvalidRequestException when the folder holds something else, or what the samples are
    ///     made by differs, or the folder is not the one that the first process sees
    public static CacheWriter begin(
            TrainOptions options,
            Dataset dataset,
            ModelSet models,
            @Nullable String frozenWeights,
            ProcessGroup group) {
        CacheFolder cache = new CacheFolder(options.output().folder());
        CacheOrigin origin = CacheOrigin.of(options, models, frozenWeights);
        if (group.isFirst()) {
            cache.begin(origin);
        }
        group.agree(0);
        if (!group.isFirst()) {
            cache.join(origin);
        }
        List<String> digests = dataset.rows().stream()
                .map(row -> RowDigest.of(row, dataset.folder()))
                .toList();
        SamplePlan plan = SamplePlan.of(digests, cache.digests());
        group.requireAlike("dataset_metadata_path", plan.toString()); // also: nobody writes before all have looked
        if (group.isFirst() && !plan.isComplete()) {
            cache.removeIndex();
        }
        group.agree(0);
        return new CacheWriter(cache, dataset, plan);
    }

    /// Whether the row is encoded.
    public boolean has(int row) {
        return plan.isThere(row);
    }

    /// Writes one row.
    ///
    /// @param index of the row in the dataset, from 0
    /// @param content whose image sizes are kept with it
    /// @param sample its tensors, which stay the caller's
    /// @throws InvalidFileException when the file cannot be written, or the row's files have changed since the cache
    ///     was begun
    public void write(int index, Sample.Content content, Encoded sample) {
        DatasetRow row = dataset.rows().get(index);
        if (!RowDigest.of(row, dataset.folder()).equals(plan.digest(index))) {
            throw new InvalidFileException(
                    row.location(), "a file of this row has changed while the dataset was encoded; encode it again");
        }
        CachedRow known = row(index, sizes(content));
        Path file = cache.sample(known.sample());
        try {
            SampleFile.write(file, known, sample);
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    private CachedRow row(int index, String size) {
        DatasetRow row = dataset.rows().get(index);
        return new CachedRow(
                plan.number(index),
                plan.digest(index),
                row.location().toString(),
                row.image().toString(),
                row.prompt(),
                size);
    }

    private static String sizes(Sample.Content content) {
        return Stream.concat(Stream.of(content.image()), content.editImages().stream())
                .map(RgbImage::size)
                .map(CacheWriter::text)
                .collect(Collectors.joining("+"));
    }

    private static String text(ImageSize size) {
        return size.width() + "x" + size.height();
    }

    /// Whether the prompt is encoded that samples without one get.
    public boolean hasEmptyPrompt() {
        return cache.hasEmptyPrompt();
    }

    /// Writes the prompt that samples without one get.
    ///
    /// @param embeds of the empty prompt, `[1, St, joint]`
    /// @throws InvalidFileException when the file cannot be written
    public void writeEmptyPrompt(Tensor embeds) {
        try {
            SampleFile.writePrompt(cache.emptyPrompt(), embeds);
        } catch (IOException e) {
            throw unwritable(cache.emptyPrompt(), e);
        }
    }

    /// Makes the cache complete, and removes samples that belong to no row any more.
    ///
    /// @throws InvalidFileException when a row is missing, or the index cannot be written
    public void finish() {
        List<CachedRow> rows = new ArrayList<>();
        for (int i = 0; i < dataset.rows().size(); i++) {
            try (SampleFile sample = SampleFile.open(cache.sample(plan.number(i)))) {
                rows.add(row(i, sample.row().size()));
            }
        }
        cache.finish(rows, dataset.rows().stream().map(DatasetRow::weight).toList());
        plan.unused().forEach(cache::removeSample);
    }

    private static InvalidFileException unwritable(Path file, IOException e) {
        return new InvalidFileException(Location.of(file), "cannot be written: " + e, e);
    }

    /// Which file of a cache each row has: one that is there already and was made of the same content, or one to be
    /// encoded.
    ///
    /// @param digests of the rows' content, in the order of the rows
    /// @param numbers of the rows' files
    /// @param there rows whose files are there
    /// @param unused numbers of files that belong to no row
    private record SamplePlan(
            List<String> digests, List<Integer> numbers, SortedSet<Integer> there, SortedSet<Integer> unused) {

        private static final int OPEN = -1;

        private SamplePlan {
            digests = List.copyOf(digests);
            numbers = List.copyOf(numbers);
        }

        /// @param digests of the rows
        /// @param found digests of the files that are there, by number
        static SamplePlan of(List<String> digests, SortedMap<Integer, String> found) {
            int[] numbers = new int[digests.size()];
            Arrays.fill(numbers, OPEN);
            SortedSet<Integer> there = new TreeSet<>();
            SortedSet<Integer> unused = new TreeSet<>(found.keySet());
            for (int row = 0; row < numbers.length; row++) { // in their own places first, where contents are equal
                if (digests.get(row).equals(found.get(row))) {
                    numbers[row] = row;
                    there.add(row);
                    unused.remove(row);
                }
            }
            Map<String, Deque<Integer>> elsewhere = new HashMap<>();
            unused.forEach(number -> elsewhere
                    .computeIfAbsent(found.getOrDefault(number, ""), _ -> new ArrayDeque<>())
                    .add(number));
            for (int row = 0; row < numbers.length; row++) {
                Deque<Integer> equal = elsewhere.get(digests.get(row));
                if (numbers[row] == OPEN && equal != null && !equal.isEmpty()) {
                    numbers[row] = equal.remove();
                    there.add(row);
                    unused.remove(numbers[row]);
                }
            }
            placeOthers(numbers, unused);
            return new SamplePlan(digests, Arrays.stream(numbers).boxed().toList(), there, unused);
        }

        /// Rows that are to be encoded get their own number where it is free, and the lowest free one else.
        private static void placeOthers(int[] numbers, Set<Integer> unused) {
            Set<Integer> taken = new HashSet<>();
            Arrays.stream(numbers).forEach(taken::add);
            for (int row = 0; row < numbers.length; row++) {
                if (numbers[row] == OPEN && taken.add(row)) {
                    numbers[row] = row;
                }
            }
            int free = 0;
            for (int row = 0; row < numbers.length; row++) {
                while (numbers[row] == OPEN) {
                    if (taken.add(free)) {
                        numbers[row] = free;
                    }
                    free++;
                }
            }
            unused.removeAll(taken);
        }

        String digest(int row) {
            return digests.get(row);
        }

        int number(int row) {
            return numbers.get(row);
        }

        boolean isThere(int row) {
            return there.contains(row);
        }

        boolean isComplete() {
            return there.size() == numbers.size();
        }
    }
}
