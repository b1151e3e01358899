package io.stencil.train;

import io.stencil.distributed.ProcessGroup;
import io.stencil.template.Warnings;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.train.data.BadRow;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.RowScan;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Leaves out the rows of a dataset that cannot be read, the same in all processes (`--on_bad_row skip`).
///
/// @param group of the processes, each of which reads its share of the rows
/// @param threads that read; 0 counts as 1
/// @param warnings gets a line for each row that is left out
record SkippedRows(ProcessGroup group, int threads, Warnings warnings) {

    /// Reads every row and leaves out those that fail.
    ///
    /// @throws io.stencil.error.InvalidRequestException when they are too many
    Dataset find(Dataset dataset, @Nullable LoadedTemplate<?, ?> template) {
        RowScan scan = new RowScan(dataset, template == null ? null : template::bindRow, Math.max(threads, 1));
        List<BadRow> own = scan.run(row -> row % group.size() == group.rank(), _ -> {});
        List<Integer> indices = dataset.indices();
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
        return leaveOut(dataset, bad);
    }

    /// Leaves out the rows that a run has left out from its beginning on.
    Dataset again(Dataset dataset, List<BadRow> skipped) {
        Set<Integer> known = new HashSet<>();
        dataset.bad().forEach(row -> known.add(row.index()));
        return leaveOut(
                dataset,
                skipped.stream().filter(row -> !known.contains(row.index())).toList());
    }

    private Dataset leaveOut(Dataset dataset, List<BadRow> bad) {
        Dataset usable = dataset.without(bad);
        usable.requireFewBad();
        usable.bad().forEach(row -> warnings.warn("skipped a row: " + row.reason()));
        return usable;
    }
}
