package io.stencil.train;

import io.stencil.distributed.ProcessGroup;
import io.stencil.error.InvalidRequestException;
import io.stencil.template.Warnings;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.train.checkpoint.SavedState;
import io.stencil.train.checkpoint.SavedState.DatasetRecord;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.Dataset.BadRow;
import io.stencil.train.data.RowScan;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Leaves out the rows of a dataset that cannot be read, the same in all processes (`--on_bad_row skip`).
///
/// @param group of the processes, each of which reads its share of the rows
/// @param threads that read; 0 counts as 1
/// @param warnings gets a line for each row that is left out
record SkippedRows(ProcessGroup group, int threads, Warnings warnings) {

    /// Reads every row that a run has not used yet, and leaves out those that fail and those that the run has left out
    /// so far. One that it has used and that fails now has changed: it stays, to be refused as such.
    ///
    /// @param saved state that the run goes on from, or null
    /// @throws InvalidRequestException when they are too many, or when a row that the state does not leave out cannot
    ///     be left out from there on
    Dataset find(Dataset dataset, @Nullable LoadedTemplate<?, ?> template, @Nullable SavedState saved) {
        DatasetRecord record = saved == null ? null : saved.dataset();
        Set<Integer> known = new HashSet<>();
        List<BadRow> bad = new ArrayList<>();
        if (record != null) {
            bad.addAll(record.skipped());
            known.addAll(record.digests().keySet());
        }
        bad.forEach(row -> known.add(row.index()));
        List<BadRow> found = scan(dataset, template, known);
        bad.addAll(found);
        List<BadRow> more = Stream.concat(dataset.bad().stream(), found.stream())
                .filter(row -> !known.contains(row.index()))
                .toList();
        if (saved != null && !more.isEmpty()) {
            requireBetweenUpdates(saved, more.getFirst());
        }
        return again(dataset, bad);
    }

    /// The batches after the state are those of the dataset without the row: an update must not reach from one into the
    /// other, and which rows were used must be known.
    private static void requireBetweenUpdates(SavedState saved, BadRow row) {
        String reason = saved.dataset() == null
                ? "it is of an earlier version, which kept no record of rows"
                : "it lies within an update (--gradient_accumulation_steps)";
        if (saved.dataset() == null || saved.isWithinUpdate()) {
            throw new InvalidRequestException(
                    "on_bad_row",
                    "a row that the run has not skipped so far cannot be skipped from the state in '%s' on: %s; mend the row, or begin a new run from the checkpoint (--resume_from_checkpoint): %s"
                            .formatted(saved.folder(), reason, row.reason()));
        }
    }

    /// @param known indices of rows that are not read
    private List<BadRow> scan(Dataset dataset, @Nullable LoadedTemplate<?, ?> template, Set<Integer> known) {
        RowScan scan = new RowScan(dataset, template == null ? null : template::bindRow, Math.max(threads, 1));
        List<Integer> indices = dataset.indices();
        List<BadRow> own =
                scan.run(row -> row % group.size() == group.rank() && !known.contains(indices.get(row)), _ -> {});
        Set<Integer> ownIndices = new HashSet<>();
        own.forEach(row -> ownIndices.add(row.index()));
        double[] flags = indices.stream()
                .mapToDouble(index -> ownIndices.contains(index) ? 1 : 0)
                .toArray();
        double[] all = group.sum(flags);
        List<BadRow> bad = new ArrayList<>(own);
        for (int row = 0; row < all.length; row++) {
            int index = indices.get(row);
            if (all[row] > 0 && !ownIndices.contains(index)) {
                bad.add(scan.read(row)
                        .orElse(new BadRow(
                                index, dataset.rows().get(row).location() + ": cannot be read by another process")));
            }
        }
        return bad;
    }

    /// Leaves out the rows that a run has left out from its beginning on.
    Dataset again(Dataset dataset, List<BadRow> skipped) {
        Set<Integer> known = new HashSet<>();
        dataset.bad().forEach(row -> known.add(row.index()));
        Dataset usable = dataset.without(
                skipped.stream().filter(row -> !known.contains(row.index())).toList());
        usable.requireFewBad();
        usable.bad().forEach(row -> warnings.warn("skipped a row: " + row.reason()));
        return usable;
    }
}
