package io.stencil.train;

import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.TemplateFolder;
import io.stencil.tensor.Scope;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.TrainingSample;
import io.stencil.train.log.EncodingListener;
import io.stencil.train.options.ModelOptions;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.split.CacheWriter;
import io.stencil.train.step.StepSample;
import io.stencil.train.step.TrainingStep;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The first of two stages: what frozen models make of a dataset goes into a folder that a training reads, `--task
/// sft:data_process`.
///
/// Text encoder, VAE and the Template's `processInputs` run here and nowhere else; the transformer's weights stay on
/// the disk where the pipeline's dtype is theirs. A run that was stopped at any moment goes on where it was.
public final class DataProcess {

    private volatile boolean stopped;

    /// Asks the run to end after the sample that is being worked on. Safe to call from any thread.
    public void requestStop() {
        stopped = true;
    }

    /// @return whether all samples are encoded; false when a stop was asked for
    /// @throws io.stencil.error.StencilException for all that cannot be used
    public boolean run(TrainOptions options, EncodingListener listener) {
        options.requireSupported(System.getenv());
        Dataset dataset = Dataset.read(options.data());
        try (Flux2Pipeline pipeline = Flux2Pipeline.load(
                        options.models().base(), options.models().load());
                @Nullable LoadedTemplate<?, ?> template = load(options.models(), pipeline)) {
            if (template != null) {
                dataset.check(template);
            }
            CacheWriter cache = CacheWriter.begin(options, pipeline.models(), frozenHash(options, template));
            TrainingStep step = new TrainingStep(pipeline, template, false, listener::onWarning);
            if (!encode(dataset, step, cache, listener)) {
                return false;
            }
            if (!cache.hasEmptyPrompt()) {
                try (Scope _ = new Scope()) {
                    cache.writeEmptyPrompt(pipeline.models().encodePrompt(""));
                }
            }
            cache.finish(dataset);
            return true;
        }
    }

    private static @Nullable LoadedTemplate<?, ?> load(ModelOptions models, Flux2Pipeline pipeline) {
        return models.template() == null
                ? null
                : new TemplateFolder(models.template(), models.trustedCode()).load(pipeline);
    }

    static @Nullable String frozenHash(TrainOptions options, @Nullable LoadedTemplate<?, ?> template) {
        return template == null
                ? null
                : TrainableParts.frozenHash(options.models().trainable(), template);
    }

    private boolean encode(Dataset dataset, TrainingStep step, CacheWriter cache, EncodingListener listener) {
        List<DatasetRow> rows = dataset.rows();
        int known = 0;
        for (int i = 0; i < rows.size(); i++) {
            known += cache.has(i) ? 1 : 0;
        }
        listener.onStart(known, rows.size());
        int done = known;
        for (int i = 0; i < rows.size(); i++) {
            if (cache.has(i)) {
                continue;
            }
            if (stopped) {
                return false;
            }
            DatasetRow row = rows.get(i);
            TrainingSample sample = dataset.load(row);
            try (Scope _ = new Scope()) {
                cache.write(i, row, sample, step.encode(StepSample.of(sample)));
            }
            listener.onSample(++done, rows.size());
        }
        return true;
    }
}
