package io.stencil.train;

import io.stencil.distributed.ProcessGroup;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.NameList;
import io.stencil.train.data.BatchPlan;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.RowDigest;
import io.stencil.train.resume.DatasetRecord;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/// The content of the rows that a run has used, by which a run that goes on knows that they are the same. Rows that
/// were not used yet may change: an image that ended a run may be replaced.
final class DatasetHistory {

    private final Dataset dataset;
    private final Map<Integer, String> earlier;
    private final Map<DatasetRow, String> digests = new ConcurrentHashMap<>();

    /// @param earlier digests of the rows that the run has used so far, by their index in the metadata file
    DatasetHistory(Dataset dataset, Map<Integer, String> earlier) {
        this.dataset = dataset;
        this.earlier = Map.copyOf(earlier);
    }

    /// Reads the content of a row, if that was not done before. Safe to call from several threads.
    String digest(DatasetRow row) {
        return digests.computeIfAbsent(row, one -> RowDigest.of(one, dataset.folder()));
    }

    /// Lists the rows that were used, but for those whose files another process has used and which cannot be read any
    /// more: to lose the state would be worse.
    ///
    /// @param step steps that are done
    DatasetRecord after(long step, BatchPlan plan) {
        List<Integer> indices = dataset.indices();
        Map<Integer, String> used = new TreeMap<>(earlier);
        for (int row : used(step, plan)) {
            try {
                used.put(indices.get(row), digest(dataset.rows().get(row)));
            } catch (InvalidFileException _) { // reported when the row is read again
            }
        }
        return new DatasetRecord(used, dataset.bad());
    }

    /// Refuses to go on with rows that have changed since the run used them. Each process looks at its share.
    ///
    /// @throws InvalidRequestException naming the rows
    void requireUnchanged(ProcessGroup group) {
        List<Integer> indices = dataset.indices();
        List<String> changed = new ArrayList<>();
        for (int row = group.rank(); row < indices.size(); row += group.size()) {
            String then = earlier.get(indices.get(row));
            DatasetRow now = dataset.rows().get(row);
            if (then != null && !then.equals(digest(now))) {
                changed.add(now.location().toString());
            }
        }
        if (!changed.isEmpty()) {
            throw new InvalidRequestException(
                    "resume",
                    "the content of %s has changed since the run used it (images, Template inputs or their files): %s; put it back, or train anew into another folder"
                            .formatted(changed.size() == 1 ? "a row" : changed.size() + " rows", NameList.of(changed)));
        }
    }

    private static Set<Integer> used(long step, BatchPlan plan) {
        List<List<Integer>> epoch = plan.epoch(0);
        Set<Integer> used = new LinkedHashSet<>();
        epoch.subList(0, Math.toIntExact(Math.min(step, epoch.size()))).forEach(used::addAll);
        return used;
    }
}
