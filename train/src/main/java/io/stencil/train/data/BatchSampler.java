package io.stencil.train.data;

import io.stencil.image.TargetSize;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.IntStream;

/// Draws the batches of a training run, epoch by epoch, and splits each among the processes of the run.
///
/// A batch holds rows that follow each other in the epoch's order and have images of one size. What is left of a size
/// at the end of an epoch makes a smaller batch.
public final class BatchSampler {

    /// Orders the rows of each epoch by seed and epoch alone; the noise has a generator of its own.
    ///
    /// @param rows of the dataset
    /// @param repeat how often each comes in an epoch
    /// @param shuffle whether the rows are shuffled; else they come in the order of their file, `repeat` times over
    public record Order(int rows, int repeat, boolean shuffle, long seed) {

        private static final long EPOCH_STRIDE = 0xD1342543DE82EF95L;

        /// Samples of one epoch.
        ///
        /// @throws ArithmeticException when there are more than an array can hold
        public int epochLength() {
            return Math.multiplyExact(rows, repeat);
        }

        /// Indices of rows.
        ///
        /// @param epoch from 0
        public int[] epoch(int epoch) {
            int[] order = IntStream.range(0, epochLength()).map(i -> i % rows).toArray();
            if (shuffle) {
                // Fisher and Yates, written out: the order must not change with a new Java.
                SplittableRandom random = new SplittableRandom(seed + epoch * EPOCH_STRIDE);
                for (int i = order.length - 1; i > 0; i--) {
                    int j = random.nextInt(i + 1);
                    int swapped = order[i];
                    order[i] = order[j];
                    order[j] = swapped;
                }
            }
            return order;
        }
    }

    /// Holds the rows of a batch that one process works on.
    ///
    /// A batch with fewer rows than there are processes leaves some without: they work on a row of another with weight
    /// 0, so that all processes do the same.
    ///
    /// @param rows at least one
    /// @param before rows of the whole batch that lie before them
    /// @param after rows of the whole batch that lie after them
    /// @param weight of their mean in the mean over all processes: 1 where all processes have as many rows
    public record LocalBatch(List<DatasetRow> rows, int before, int after, double weight) {

        public LocalBatch {
            rows = List.copyOf(rows);
        }

        /// Splits off the rows of one process.
        ///
        /// @param batch of all processes together
        /// @param rank of the process
        /// @param processes that share the batch
        public static LocalBatch of(List<DatasetRow> batch, int rank, int processes) {
            int size = batch.size();
            int from = bound(size, rank, processes);
            int to = bound(size, rank + 1, processes);
            double weight = (double) (to - from) * processes / size;
            if (from == to) {
                from = Math.min(from, size - 1);
                to = from + 1;
            }
            return new LocalBatch(batch.subList(from, to), from, size - to, weight);
        }

        private static int bound(int size, int rank, int processes) {
            return Math.toIntExact((long) size * rank / processes);
        }

        /// Rows of the whole batch.
        public int batchSize() {
            return before + rows.size() + after;
        }
    }

    private final List<DatasetRow> rows;
    private final List<Object> sizes;
    private final Order order;
    private final int batchSize;
    private final int rank;
    private final int processes;
    private final int epochLength;
    private final TreeMap<Integer, List<List<Integer>>> epochs = new TreeMap<>();

    private BatchSampler(
            List<DatasetRow> rows, List<Object> sizes, Order order, int batchSize, int rank, int processes) {
        this.rows = rows;
        this.sizes = sizes;
        this.order = order;
        this.batchSize = batchSize;
        this.rank = rank;
        this.processes = processes;
        this.epochLength = epochLength(sizes, order.repeat(), batchSize);
    }

    /// Samples for one process alone. Where batches hold several rows and images keep their own sizes, the heads of
    /// the image files are read, without decoding pixels.
    ///
    /// @throws io.stencil.error.InvalidFileException naming the row when an image cannot be read or is too small
    public static BatchSampler of(Dataset dataset, Order order, int batchSize) {
        boolean alike = batchSize == 1 || dataset.size() instanceof TargetSize.Fixed;
        List<Object> sizes = dataset.rows().stream()
                .<Object>map(row -> alike ? "" : dataset.sizes(row))
                .toList();
        return of(dataset, sizes, order, batchSize);
    }

    /// Samples for one process alone.
    ///
    /// @param sizes of the rows' images: rows of a batch have equal ones
    public static BatchSampler of(Dataset dataset, List<?> sizes, Order order, int batchSize) {
        return new BatchSampler(dataset.rows(), List.copyOf(sizes), order, batchSize, 0, 1);
    }

    /// Samples the same batches for one of several processes, which work on a part of each.
    public BatchSampler forRank(int ofRank, int ofProcesses) {
        return new BatchSampler(rows, sizes, order, batchSize, ofRank, ofProcesses);
    }

    public Order order() {
        return order;
    }

    /// Batches of any epoch.
    public int epochLength() {
        return epochLength;
    }

    private static int epochLength(List<Object> sizes, int repeat, int batchSize) {
        Map<Object, Integer> counts = new HashMap<>();
        sizes.forEach(size -> counts.merge(size, repeat, Math::addExact));
        return counts.values().stream()
                .mapToInt(count -> Math.ceilDiv(count, batchSize))
                .sum();
    }

    /// Indices of rows, batch by batch, of all processes together.
    ///
    /// @param epoch from 0
    public List<List<Integer>> epoch(int epoch) {
        List<List<Integer>> batches = new ArrayList<>();
        Map<Object, List<Integer>> open = new LinkedHashMap<>();
        for (int row : order.epoch(epoch)) {
            Object size = sizes.get(row);
            List<Integer> batch = open.computeIfAbsent(size, _ -> new ArrayList<>());
            batch.add(row);
            if (batch.size() == batchSize) {
                batches.add(batch);
                open.remove(size);
            }
        }
        batches.addAll(open.values());
        return batches;
    }

    /// The rows of a batch that the process works on. Earlier epochs are forgotten.
    ///
    /// @param epoch not before that of any earlier call
    /// @param batch of that epoch, from 0
    public LocalBatch localBatch(int epoch, int batch) {
        epochs.headMap(epoch).clear();
        return split(epoch, batch);
    }

    private LocalBatch split(int epoch, int batch) {
        return LocalBatch.of(batch(epoch, batch), rank, processes);
    }

    /// The rows of a batch of all processes together.
    ///
    /// @param epoch not before that of the last [#localBatch]
    /// @param batch of that epoch, from 0
    public List<DatasetRow> batch(int epoch, int batch) {
        return epochs.computeIfAbsent(epoch, this::epoch).get(batch).stream()
                .map(rows::get)
                .toList();
    }

    /// The process's upcoming rows, in their order, by whole batches.
    ///
    /// @param epoch of the batch that they begin with
    /// @param batch of that epoch
    /// @param batches that are left of the run
    /// @param count of rows at least, as far as the run has them
    public List<DatasetRow> upcoming(int epoch, int batch, long batches, int count) {
        List<DatasetRow> upcoming = new ArrayList<>();
        for (long i = 0; i < batches && upcoming.size() < count; i++) {
            long place = batch + i;
            upcoming.addAll(split(epoch + Math.toIntExact(place / epochLength), Math.toIntExact(place % epochLength))
                    .rows());
        }
        return upcoming;
    }
}
