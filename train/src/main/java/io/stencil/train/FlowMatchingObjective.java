package io.stencil.train;

import io.stencil.autograd.ActivationPolicy;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.Warnings;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.tensor.TorchGenerator;
import io.stencil.train.data.BatchPart;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.Prefetch;
import io.stencil.train.data.TrainingSample;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.split.StoredEncodings;
import io.stencil.train.step.EncodingCache;
import io.stencil.train.step.Encodings;
import io.stencil.train.step.EncodingsAhead;
import io.stencil.train.step.NoiseDraws;
import io.stencil.train.step.PartDraws;
import io.stencil.train.step.SampleEncodings;
import io.stencil.train.step.StepSample;
import io.stencil.train.step.TrainingStep;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// The velocity that the transformer predicts, for a Template and for a base model.
final class FlowMatchingObjective implements Objective {

    private final Prefetch<TrainingSample> content;
    private final TrainingStep training;
    private final @Nullable EncodingCache cache;
    private final @Nullable StoredEncodings stored;
    private final @Nullable EncodingsAhead encodings;
    private final TorchGenerator generator;
    private final NoiseDraws draws;
    private final CaptionDropout captionDropout;
    private final long seed;

    /// @param pipeline stays the caller's; `template` likewise
    FlowMatchingObjective(
            TrainOptions options,
            long seed,
            TrainingData data,
            Flux2Pipeline pipeline,
            @Nullable LoadedTemplate<?, ?> template,
            Warnings warnings) {
        int workers = options.data().workers();
        this.seed = seed;
        this.content = data.content(template, workers, seed);
        this.stored = data.cached() == null ? null : data.cached().encodings(pipeline.device(), workers);
        this.cache = data.cached() == null && options.objective().cacheEncodings() ? new EncodingCache() : null;
        this.encodings = stored == null && cache == null && workers > 0 && EncodingsAhead.isSafeWith(pipeline.models())
                ? new EncodingsAhead(encoding(pipeline, warnings))
                : null;
        @Nullable Encodings made = cache == null ? encodings : cache;
        this.training = new TrainingStep(
                pipeline,
                template,
                new TrainingStep.Settings(
                        options.optimisation().activations(),
                        options.objective().timestepWeighting(),
                        stored == null ? made : stored),
                warnings);
        this.generator = new TorchGenerator(seed);
        this.draws = NoiseDraws.from(generator, options.objective().timesteps());
        this.captionDropout = new CaptionDropout(options.objective().captionDropout(), seed);
    }

    private Function<DatasetRow, SampleEncodings> encoding(Flux2Pipeline pipeline, Warnings warnings) {
        TrainingStep frozen = new TrainingStep(pipeline, null, new ActivationPolicy.Keep(), warnings);
        return row -> frozen.encode(StepSample.of(content.get(row)));
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
                        : rows.stream().filter(row -> !kept.hasPicture(row)).toList());
        if (encodings != null) {
            encodings.expect(rows);
        }
    }

    @Override
    public Tensor accumulate(BatchPart part, long step, double share) {
        skipCaptions(part.before());
        List<StepSample> samples = new ArrayList<>();
        for (int i = 0; i < part.rows().size(); i++) {
            DatasetRow row = part.rows().get(i);
            samples.add(sample(row).withSeeds(StepSample.Seeds.of(seed, row, step, part.before() + i)));
        }
        skipCaptions(part.after());
        return training.accumulateLater(
                samples, new PartDraws(draws, part.before(), samples.size(), part.after()), share);
    }

    private void skipCaptions(int count) {
        for (int i = 0; i < count; i++) {
            captionDropout.next();
        }
    }

    private StepSample sample(DatasetRow row) {
        StepSample sample = StepSample.of(row, () -> content.get(row));
        return captionDropout.next() ? sample.withPrompt("") : sample;
    }

    @Override
    public Randomness randomness() {
        return new Randomness(generator.state(), captionDropout.draws());
    }

    @Override
    public void restore(Randomness randomness) {
        generator.restore(randomness.noise());
        captionDropout.skip(randomness.captionDraws());
    }

    @Override
    public void close() {
        if (encodings != null) {
            encodings.close(); // first: it reads what follows
        }
        content.close();
        generator.close();
        if (stored != null) {
            stored.close();
        }
        if (cache != null) {
            cache.close();
        }
    }
}
