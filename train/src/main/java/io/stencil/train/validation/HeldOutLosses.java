package io.stencil.train.validation;

import io.stencil.distributed.ProcessGroup;
import io.stencil.files.Sha256;
import io.stencil.template.load.LoadedTemplate.PreparedInput;
import io.stencil.tensor.ProcessRandom;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.Sample;
import io.stencil.train.options.ObjectiveOptions.TimestepRange;
import io.stencil.train.step.TrainingStep;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Measures the losses of held-out rows by flow matching, each row with noise and timesteps of its own that are always
/// the same.
///
/// Each process measures a share of the rows. The losses of single rows are gathered and not their sums, so that all
/// processes have the numbers that one has.
public final class HeldOutLosses {

    private static final long FORWARD = 4; // a stream of numbers beside those of FixedDraws

    /// A row that is not trained on.
    ///
    /// @param digest SHA-256 of the content of the row, in hexadecimal digits
    public record HeldOutRow(DatasetRow row, String digest) {

        /// Whether a row is among those that a split holds out. It depends on the content of the row alone.
        ///
        /// @param digest SHA-256 of the content of the row, in hexadecimal digits
        /// @param share of all rows, 0 to 1
        public static boolean isChosen(String digest, double share) {
            return (beginning(digest) >>> 11) * 0x1p-53 < share;
        }

        /// A number that follows from the content of the row, to seed its noise by.
        public long key() {
            return beginning(digest);
        }
    }

    /// Source of the rows' content, where their encodings are not cached.
    public interface Source {

        /// Announces the rows that are read next; those of other rows may be forgotten.
        void expect(List<DatasetRow> rows);

        Sample.Content content(DatasetRow row);
    }

    /// Identifies a measurement: what decides its numbers beside the weights.
    ///
    /// @param seed of the run
    /// @param timesteps that the run draws from
    public record Fixture(long seed, TimestepRange timesteps) {}

    /// The Template inputs that a row is measured with.
    public enum Inputs {
        /// Those of the row.
        RIGHT,
        /// Those of another row, always the same one.
        OTHER,
        /// None: the Template takes no part.
        NONE
    }

    private final TrainingStep step;
    private final Source source;
    private final List<HeldOutRow> rows;
    private final Fixture fixture;
    private final ProcessGroup group;
    private int @Nullable [] partners;

    /// @param step stays the caller's; `source` and `group` likewise
    /// @param rows in any order
    public HeldOutLosses(TrainingStep step, Source source, List<HeldOutRow> rows, Fixture fixture, ProcessGroup group) {
        this.step = step;
        this.source = source;
        this.rows =
                rows.stream().sorted(Comparator.comparing(HeldOutRow::digest)).toList();
        this.fixture = fixture;
        this.group = group;
    }

    /// Number of rows.
    public int count() {
        return rows.size();
    }

    /// SHA-256 of what decides the numbers beside the weights: rows, seed and timesteps.
    public String identity() {
        StringBuilder text = new StringBuilder(fixture.toString());
        rows.forEach(row -> text.append(' ').append(row.digest()));
        return Sha256.of(text.toString().getBytes(StandardCharsets.UTF_8));
    }

    /// Measures all rows.
    ///
    /// @param progress receives the end of each row of this process
    /// @return of each row, in the order of their digests, the loss in each band; NaN where a row has no other inputs
    ///     than its own to be measured with. The same in all processes
    public double[][] measure(Inputs inputs, Runnable progress) {
        int[] others = inputs == Inputs.OTHER ? partners() : new int[0];
        double[][] losses = new double[rows.size()][FixedDraws.BANDS];
        for (int row = group.rank(); row < rows.size(); row += group.size()) {
            Sample sample = sample(row);
            switch (inputs) {
                case RIGHT -> {
                    expect(row);
                    losses[row] = losses(row, sample, sample);
                }
                case NONE -> {
                    expect(row);
                    losses[row] = losses(row, sample, null);
                }
                case OTHER -> {
                    if (others[row] < 0) {
                        Arrays.fill(losses[row], Double.NaN);
                    } else {
                        expect(row, others[row]);
                        losses[row] = losses(row, sample, sample(others[row]));
                    }
                }
            }
            progress.run();
        }
        expect();
        return gathered(losses);
    }

    private void expect(int... indices) {
        source.expect(
                Arrays.stream(indices).mapToObj(index -> rows.get(index).row()).toList());
    }

    private double[] losses(int row, Sample sample, @Nullable Sample steering) {
        try (FixedDraws draws = new FixedDraws(fixture.seed(), rows.get(row).key(), fixture.timesteps())) {
            return step.losses(sample, steering, draws, FixedDraws.BANDS);
        }
    }

    private Sample sample(int index) {
        HeldOutRow held = rows.get(index);
        DatasetRow row = held.row();
        return Sample.of(row, () -> source.content(row))
                .withSeeds(new Sample.Seeds(
                        Sample.Seeds.ofRow(fixture.seed(), row),
                        ProcessRandom.seed(fixture.seed(), FORWARD, held.key())));
    }

    /// Adds up over the processes what each has of its own rows, and zeros of others.
    private double[][] gathered(double[][] own) {
        double[] flat = new double[own.length * FixedDraws.BANDS];
        for (int row = 0; row < own.length; row++) {
            System.arraycopy(own[row], 0, flat, row * FixedDraws.BANDS, FixedDraws.BANDS);
        }
        double[] sums = group.sum(flat);
        double[][] all = new double[own.length][FixedDraws.BANDS];
        for (int row = 0; row < own.length; row++) {
            System.arraycopy(sums, row * FixedDraws.BANDS, all[row], 0, FixedDraws.BANDS);
        }
        return all;
    }

    /// Which row's inputs each row is measured with instead of its own; -1 for none.
    private int[] partners() {
        int[] known = partners;
        if (known == null) {
            known = derangement(inputDigests());
            partners = known;
        }
        return known;
    }

    /// Exchanges the inputs of rows: with the rows in the order of their inputs, each gets those of the row that lies
    /// as far ahead as the most rows have equal inputs. So as many as can have inputs that differ from their own.
    ///
    /// @param inputs a number for the inputs of each row
    /// @return -1 where the inputs are equal
    static int[] derangement(long[] inputs) {
        List<Integer> order = IntStream.range(0, inputs.length)
                .boxed()
                .sorted(Comparator.comparingLong(row -> inputs[row]))
                .toList();
        int shift = 0;
        int run = 0;
        for (int i = 0; i < inputs.length; i++) {
            run = i > 0 && inputs[order.get(i)] == inputs[order.get(i - 1)] ? run + 1 : 1;
            shift = Math.max(shift, run);
        }
        int[] partners = new int[inputs.length];
        for (int i = 0; i < inputs.length; i++) {
            int row = order.get(i);
            int other = order.get((i + shift) % inputs.length);
            partners[row] = inputs[row] == inputs[other] ? -1 : other;
        }
        return partners;
    }

    /// Hashes the processed inputs of all rows, each process those of its own rows.
    private long[] inputDigests() {
        double[] halves = new double[2 * rows.size()]; // of 32 bits, which a double holds exactly
        for (int row = group.rank(); row < rows.size(); row += group.size()) {
            expect(row);
            long digest;
            try (Scope _ = new Scope()) {
                digest = digest(step.prepared(sample(row)));
            }
            halves[2 * row] = digest >>> 32;
            halves[2 * row + 1] = digest & 0xFFFFFFFFL;
        }
        expect();
        double[] all = group.sum(halves);
        return IntStream.range(0, rows.size())
                .mapToLong(row -> (long) all[2 * row] << 32 | (long) all[2 * row + 1])
                .toArray();
    }

    private static long digest(PreparedInput<?> input) {
        Map<String, Tensor> tensors = new TreeMap<>();
        MessageDigest digest = Sha256.digest();
        digest.update(input.store(tensors).toString().getBytes(StandardCharsets.UTF_8));
        tensors.forEach((name, tensor) -> {
            digest.update(name.getBytes(StandardCharsets.UTF_8));
            digest.update(Tensors.rawBytes(tensor));
        });
        return beginning(Sha256.hex(digest));
    }

    /// The first 64 bits of a digest in hexadecimal digits.
    private static long beginning(String digest) {
        return Long.parseUnsignedLong(digest.substring(0, 16), 16);
    }
}
