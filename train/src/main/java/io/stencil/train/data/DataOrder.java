package io.stencil.train.data;

import java.util.SplittableRandom;
import java.util.stream.IntStream;

/// In which order the rows of a dataset come.
///
/// The order of an epoch follows from seed and epoch alone; the noise has a generator of its own.
///
/// @param rows of the dataset
/// @param repeat how often each comes in an epoch
/// @param shuffle else rows come in the order of their file, `repeat` times over
public record DataOrder(int rows, int repeat, boolean shuffle, long seed) {

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
