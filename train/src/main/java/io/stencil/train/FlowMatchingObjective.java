package io.stencil.train;

import io.stencil.autograd.ActivationPolicy;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.Warnings;
import io.stencil.train.data.BatchSampler;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.Prefetch;
import io.stencil.train.data.Sample;
import io.stencil.train.encodings.CachedDataset.StoredEncodings;
import io.stencil.train.encodings.Encoded;
import io.stencil.train.encodings.EncodingCache;
import io.stencil.train.encodings.Encodings;
import io.stencil.train.encodings.EncodingsAhead;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.step.NoiseDraws;
import io.stencil.train.step.TrainingStep;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Trains a Template or a base model by flow matching: the loss is that of the velocity which the transformer predicts.
final class FlowMatchingObjective implements Objective {

    private final Prefetch<Sample.Content> content;
    private final TrainingStep training;
    private final @Nullable EncodingCache cache;
    private final @Nullable StoredEncodings stored;
    private final @Nullable EncodingsAhead encodings;
    private final Generators generators;
    private final NoiseDraws draws;

    /// @param generators stay the caller's; `models` likewise
    FlowMatchingObjective(
            TrainOptions options, Generators generators, TrainingData data, TrainModels models, Warnings warnings) {
        int workers = options.data().workers();
        Flux2Pipeline pipeline = models.pipeline();
        this.generators = generators;
        this.content = data.content(models.template(), workers, generators.seed());
        this.stored = data.cached() == null ? null : data.cached().encodings(pipeline.device(), workers);
        this.cache = data.cached() == null && options.objective().cacheEncodings() ? new EncodingCache() : null;
        this.encodings = stored == null && cache == null && workers > 0 && EncodingsAhead.isSafeWith(pipeline.models())
                ? new EncodingsAhead(encoding(pipeline, warnings))
                : null;
        @Nullable Encodings computed = cache == null ? encodings : cache;
        this.training = new TrainingStep(
                pipeline,
                models.template(),
                new TrainingStep.Settings(
                        options.optimisation().activations(),
                        options.objective().timestepWeighting(),
                        stored == null ? computed : stored),
                warnings);
        this.draws = NoiseDraws.from(generators.noise(), options.objective());
    }

    private Function<DatasetRow, Encoded> encoding(Flux2Pipeline pipeline, Warnings warnings) {
        TrainingStep frozen = new TrainingStep(pipeline, null, new ActivationPolicy.Keep(), warnings);
        return row -> frozen.encode(Sample.of(row, () -> content.get(row)));
    }

    @Override
    public int ahead() {
        return stored == null ? content.ahead() : stored.ahead();
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
        if (encodings != null) {
            encodings.expect(rows);
        }
    }

    @Override
    public Tensor accumulate(BatchSampler.LocalBatch batch, long step, double share) {
        generators.skipCaptions(batch.before());
        List<Sample> samples = new ArrayList<>();
        for (int i = 0; i < batch.rows().size(); i++) {
            DatasetRow row = batch.rows().get(i);
            samples.add(sample(row).withSeeds(Sample.Seeds.of(generators.seed(), row, step, batch.before() + i)));
        }
        generators.skipCaptions(batch.after());
        return training.accumulateLater(samples, draws.ofLocal(batch), share);
    }

    private Sample sample(DatasetRow row) {
        Sample sample = Sample.of(row, () -> content.get(row));
        return generators.dropCaption() ? sample.withPrompt("") : sample;
    }

    @Override
    public void close() {
        if (encodings != null) {
            encodings.close(); // first: it reads what follows
        }
        content.close();
        if (stored != null) {
            stored.close();
        }
        if (cache != null) {
            cache.close();
        }
    }
}
