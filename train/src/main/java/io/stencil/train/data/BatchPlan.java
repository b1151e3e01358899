package io.stencil.train.data;

import io.stencil.image.TargetSize;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Which rows make a batch: those that come next in the order and have pictures of one size. What is left of a size at
/// the end of an epoch makes a smaller batch.
public final class BatchPlan {

    private final DataOrder order;
    private final int batchSize;
    private final List<Object> sizes;
    private final int epochLength;

    private BatchPlan(DataOrder order, int batchSize, List<Object> sizes) {
        this.order = order;
        this.batchSize = batchSize;
        this.sizes = sizes;
        this.epochLength = epochLength(sizes, order.repeat(), batchSize);
    }

    /// Where batches hold several rows and pictures keep their own sizes, their files are read for them, without
    /// decoding pixels.
    ///
    /// @throws io.stencil.error.InvalidFileException naming the row when a picture cannot be read or is too small
    public static BatchPlan of(Dataset dataset, DataOrder order, int batchSize) {
        boolean alike = batchSize == 1 || dataset.size() instanceof TargetSize.Fixed;
        List<Object> sizes = dataset.rows().stream()
                .<Object>map(row -> alike ? "" : dataset.sizes(row))
                .toList();
        return of(sizes, order, batchSize);
    }

    /// @param sizes of the rows' pictures: rows of a batch have equal ones
    public static BatchPlan of(List<?> sizes, DataOrder order, int batchSize) {
        return new BatchPlan(order, batchSize, List.copyOf(sizes));
    }

    public DataOrder order() {
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

    /// Indices of rows, batch by batch.
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
}
