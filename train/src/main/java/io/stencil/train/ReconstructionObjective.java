package io.stencil.train;

import io.stencil.distributed.ProcessGroup;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.flux2.vae.PixelConversion;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import io.stencil.train.data.BatchPart;
import io.stencil.train.data.BatchPlan;
import io.stencil.train.data.DataOrder;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.Prefetch;
import io.stencil.train.data.RowSequence;
import io.stencil.train.data.TrainingSample;
import io.stencil.train.options.ObjectiveOptions;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.vae.BatchNoise;
import io.stencil.train.vae.LatentMeasurement;
import io.stencil.train.vae.VaeLoss;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// Pictures through the VAE and back.
final class ReconstructionObjective implements Objective {

    private static final int MEASURED_TOGETHER = 16;

    private final Dataset dataset;
    private final Prefetch<TrainingSample> content;
    private final ModelSet models;
    private final AutoencoderKlFlux2 vae;
    private final VaeLoss loss;
    private final ProcessGroup group;
    private final TorchGenerator generator;

    /// @param models stay the caller's; `group` likewise
    ReconstructionObjective(TrainOptions asked, long seed, TrainingData data, ModelSet models, ProcessGroup group) {
        ObjectiveOptions options = asked.objective();
        this.content = data.content(null, asked.data().workers(), seed);
        this.group = group;
        this.dataset = data.dataset();
        this.models = models;
        this.vae = models.requireVae();
        this.loss = new VaeLoss(options.latentNoise(), options.klWeight(), options.edgeWeight());
        this.generator = new TorchGenerator(seed);
    }

    @Override
    public int ahead() {
        return content.ahead();
    }

    @Override
    public void expect(List<DatasetRow> rows) {
        content.expect(rows);
    }

    @Override
    public Tensor accumulate(BatchPart part, long step, double share) {
        BatchNoise noise = new BatchNoise(generator, group, part.before(), part.after(), part.weight() > 0);
        try (Scope scope = new Scope()) {
            return scope.keep(loss.accumulateLater(vae, pixels(part.rows()), noise, share));
        }
    }

    @Override
    public Randomness randomness() {
        return new Randomness(generator.state(), 0);
    }

    @Override
    public void restore(Randomness randomness) {
        generator.restore(randomness.noise());
    }

    /// Measures the latents of the whole dataset and puts their statistics into the VAE.
    void measureLatents() {
        LatentMeasurement measurement = new LatentMeasurement(vae);
        DataOrder order = new DataOrder(dataset.rows().size(), 1, false, 0);
        RowSequence rows = new RowSequence(dataset, BatchPlan.of(dataset, order, MEASURED_TOGETHER), 0, 1);
        for (int batch = 0; batch < rows.length(); batch++) {
            List<DatasetRow> measured = rows.part(0, batch).rows();
            content.expect(rows.from(0, batch, (long) rows.length() - batch, measured.size() + content.ahead()));
            try (Scope _ = new Scope()) {
                measurement.add(pixels(measured));
            }
        }
        measurement.apply();
    }

    /// @return `[B, 3, H, W]`, owned by the caller's scope
    private Tensor pixels(List<DatasetRow> batch) {
        try (Scope scope = new Scope()) {
            List<Tensor> pictures = batch.stream()
                    .map(row -> content.get(row).image())
                    .map(ReconstructionObjective::pixels)
                    .toList();
            return scope.keep(models.device().place(Ops.cat(0, pictures), models.compute()));
        }
    }

    private static Tensor pixels(RgbImage image) {
        return PixelConversion.pixelsFromBytes(image.rgb(), image.height(), image.width());
    }

    @Override
    public void close() {
        content.close();
        generator.close();
    }
}
