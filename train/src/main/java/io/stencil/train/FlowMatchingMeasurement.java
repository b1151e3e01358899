package io.stencil.train;

import io.stencil.autograd.ActivationPolicy;
import io.stencil.distributed.ProcessGroup;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.Prefetch;
import io.stencil.train.data.Sample;
import io.stencil.train.encodings.CachedDataset.StoredEncodings;
import io.stencil.train.encodings.EncodingCache;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.step.TrainingStep;
import io.stencil.train.validation.HeldOutLosses;
import io.stencil.train.validation.HeldOutLosses.Fixture;
import io.stencil.train.validation.HeldOutLosses.Inputs;
import io.stencil.train.validation.ValidationReport.SteeringGain;
import io.stencil.train.validation.ValidationReport.ValidationLoss;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Measures the models of a run as they are, on the rows that it holds out: by images, or by encodings in files.
final class FlowMatchingMeasurement implements HeldOutMeasurement, HeldOutLosses.Source {

    private final Prefetch<Sample.Content> content;
    private final @Nullable StoredEncodings stored;
    private final @Nullable EncodingCache cache;
    private final HeldOutLosses losses;
    private final ProcessGroup group;
    private final boolean steered;
    private final boolean isBaseFrozen;
    private double @Nullable [][] unsteered;

    /// @param heldOut rows to measure
    /// @param models stay the caller's; `group` likewise
    /// @param isBaseFrozen whether the losses without the Template stay the same
    FlowMatchingMeasurement(
            TrainOptions options,
            TrainingData heldOut,
            TrainModels models,
            long seed,
            boolean isBaseFrozen,
            ProcessGroup group) {
        Flux2Pipeline pipeline = models.pipeline();
        this.content = heldOut.content(models.template(), 0, seed);
        this.stored = heldOut.cached() == null ? null : heldOut.cached().encodings(pipeline.device(), 0);
        this.cache = stored == null && options.objective().cacheEncodings() ? new EncodingCache() : null;
        this.group = group;
        this.steered = models.template() != null;
        this.isBaseFrozen = isBaseFrozen;
        TrainingStep step = new TrainingStep(
                pipeline,
                models.template(),
                new TrainingStep.Settings(
                        new ActivationPolicy.Keep(),
                        options.objective().timestepWeighting(),
                        stored == null ? cache : stored),
                _ -> {}); // training gives the same warnings
        this.losses = new HeldOutLosses(
                step,
                this,
                heldOut.rows(),
                new Fixture(seed, options.objective().timesteps()),
                group);
    }

    @Override
    public int rows() {
        return losses.count();
    }

    @Override
    public int parts() {
        int ways = steered ? unsteered == null ? Inputs.values().length : Inputs.values().length - 1 : 1;
        return ways * ownRows();
    }

    @Override
    public int ownRows() {
        return Math.ceilDiv(losses.count() - group.rank(), group.size());
    }

    @Override
    public String identity() {
        return losses.identity();
    }

    @Override
    public Measured measure(Runnable progress) {
        double[][] right = losses.measure(Inputs.RIGHT, progress);
        if (!steered) {
            return new Measured(ValidationLoss.of(right), null);
        }
        double[][] without = unsteered == null ? losses.measure(Inputs.NONE, progress) : unsteered;
        unsteered = isBaseFrozen ? without : null;
        double[][] other = losses.measure(Inputs.OTHER, progress);
        return new Measured(ValidationLoss.of(right), SteeringGain.of(right, without, other));
    }

    @Override
    public ValidationLoss loss(Runnable progress) {
        return ValidationLoss.of(losses.measure(Inputs.RIGHT, progress));
    }

    /// Rows whose encodings are kept are not read again.
    @Override
    public void expect(List<DatasetRow> rows) {
        if (stored != null) {
            stored.expect(rows);
            return;
        }
        EncodingCache kept = cache;
        content.expect(
                kept == null
                        ? rows
                        : rows.stream().filter(row -> !kept.hasImages(row)).toList());
    }

    @Override
    public Sample.Content content(DatasetRow row) {
        return content.get(row);
    }

    @Override
    public void close() {
        content.close();
        if (stored != null) {
            stored.close();
        }
        if (cache != null) {
            cache.close();
        }
    }
}
