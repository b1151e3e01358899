package io.stencil.train;

import io.stencil.autograd.GradMode;
import io.stencil.distributed.ProcessGroup;
import io.stencil.files.Sha256;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.tensor.ProcessRandom;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.train.ReconstructionObjective.VaeLoss;
import io.stencil.train.data.Prefetch;
import io.stencil.train.data.Sample;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.validation.HeldOutLosses.HeldOutRow;
import io.stencil.train.validation.ValidationReport.ValidationLoss;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;

/// Measures a VAE by the images that it reconstructs, each with noise of its own that is always the same.
///
/// Each process measures a share of the rows; all have the numbers that one has.
final class ReconstructionMeasurement implements HeldOutMeasurement {

    private static final long NOISE = 5; // a stream of numbers beside those of HeldOutLosses

    private final Prefetch<Sample.Content> content;
    private final List<HeldOutRow> held;
    private final ModelSet models;
    private final VaeLoss loss;
    private final long seed;
    private final ProcessGroup group;

    /// @param heldOut rows to measure
    /// @param models stay the caller's; `group` likewise
    ReconstructionMeasurement(
            TrainOptions options, TrainingData heldOut, ModelSet models, long seed, ProcessGroup group) {
        this.content = heldOut.content(null, 0, seed);
        this.held = heldOut.rows().stream()
                .sorted(Comparator.comparing(HeldOutRow::digest))
                .toList();
        this.models = models;
        this.loss = VaeLoss.of(options.objective());
        this.seed = seed;
        this.group = group;
    }

    @Override
    public int rows() {
        return held.size();
    }

    @Override
    public int parts() {
        return ownRows();
    }

    @Override
    public int ownRows() {
        return Math.ceilDiv(held.size() - group.rank(), group.size());
    }

    @Override
    public String identity() {
        StringBuilder text = new StringBuilder("%s %s".formatted(seed, loss));
        held.forEach(row -> text.append(' ').append(row.digest()));
        return Sha256.of(text.toString().getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public Measured measure(Runnable progress) {
        return new Measured(loss(progress), null);
    }

    @Override
    public ValidationLoss loss(Runnable progress) {
        double[] losses = new double[held.size()];
        for (int row = group.rank(); row < losses.length; row += group.size()) {
            losses[row] = loss(held.get(row));
            progress.run();
        }
        content.expect(List.of());
        double sum = 0;
        for (double one : group.sum(losses)) { // in order, so that the sum is the same everywhere
            sum += one;
        }
        return new ValidationLoss(sum / losses.length, List.of());
    }

    private double loss(HeldOutRow row) {
        content.expect(List.of(row.row()));
        RgbImage image = content.get(row.row()).image();
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled();
                TorchGenerator generator = new TorchGenerator(ProcessRandom.seed(seed, NOISE, row.key()))) {
            return Tensors.toDouble(loss.compute(
                    models.requireVae(),
                    models.device().place(ReconstructionObjective.pixels(image), models.compute()),
                    new VaeLoss.BatchNoise(generator, null, 0, 0, true)));
        }
    }

    @Override
    public void close() {
        content.close();
    }
}
