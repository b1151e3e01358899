package io.stencil.train;

import io.stencil.autograd.ActivationPolicy;
import io.stencil.distributed.ProcessEnvironment;
import io.stencil.distributed.ProcessGroup;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.FolderLock;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.tensor.Scope;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.Prefetch;
import io.stencil.train.data.TrainingSample;
import io.stencil.train.log.EncodingListener;
import io.stencil.train.options.OnBadRow;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.split.CacheWriter;
import io.stencil.train.step.StepSample;
import io.stencil.train.step.TrainingStep;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Encodes a dataset by the frozen models into a folder that a training reads: the first stage of split training,
/// `--task sft:data_process`.
///
/// Text encoder, VAE and the Template's `processInputs` run here and nowhere else; the transformer's weights stay on
/// the disk where the pipeline's dtype is theirs. A run that was stopped at any moment goes on where it was.
public final class DatasetEncoder {

    private final ProcessEnvironment environment;
    private volatile boolean stopped;

    /// Encodes alone.
    public DatasetEncoder() {
        this(ProcessEnvironment.ALONE);
    }

    /// Encodes with others: of W processes each encodes every W-th row.
    public DatasetEncoder(ProcessEnvironment environment) {
        this.environment = environment;
    }

    /// Requests that the run end after the present sample. Safe to call from any thread.
    public void requestStop() {
        stopped = true;
    }

    /// @return whether all samples are encoded; false when a stop was requested
    /// @throws io.stencil.error.StencilException for all that cannot be used
    public boolean run(TrainOptions options, EncodingListener listener) {
        options.requireSupported();
        Dataset dataset = Dataset.read(options.data());
        if (options.data().onBadRow() == OnBadRow.FAIL) {
            dataset.checkHeads();
        }
        try (ProcessGroup group =
                ProcessGroup.join(environment, options.models().load().device())) {
            try (@Nullable FolderLock _ = group.isFirst() ? hold(options, listener) : null) {
                return run(options, dataset, group, group.isFirst() ? listener : EncodingListener.NONE);
            } catch (RuntimeException | Error e) {
                group.fail(e);
                throw e;
            }
        }
    }

    private static FolderLock hold(TrainOptions options, EncodingListener listener) {
        Path folder = options.output().folder();
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be made the output folder: " + e, e);
        }
        return FolderLock.take(folder, "output_path", listener::onWarning);
    }

    private boolean run(TrainOptions options, Dataset read, ProcessGroup group, EncodingListener listener) {
        try (Flux2Pipeline pipeline = Flux2Pipeline.load(
                        options.models().base(), options.models().load());
                @Nullable LoadedTemplate<?, ?> template = Trainer.loadTemplate(options.models(), pipeline)) {
            SkippedRows skipping = new SkippedRows(group, options.data().workers(), listener::onWarning);
            Dataset dataset = options.data().onBadRow() == OnBadRow.SKIP ? skipping.find(read, template, null) : read;
            boolean draws = template != null && TrainingData.check(dataset, pipeline, template);
            CacheWriter cache =
                    CacheWriter.begin(options, dataset, pipeline.models(), frozenHash(options, template), group);
            TrainingStep step = new TrainingStep(pipeline, template, new ActivationPolicy.Keep(), listener::onWarning);
            Long given = options.optimisation().seed();
            long seed = given == null ? 0 : given;
            Function<DatasetRow, TrainingSample> reading = TrainingData.reading(dataset, template, seed, draws);
            boolean ended = encode(
                    dataset,
                    step,
                    cache,
                    new Share(
                            group.rank(), group.size(), reading, options.data().workers(), seed, listener));
            if (group.any(!ended)) {
                return false;
            }
            if (group.isFirst()) {
                if (!cache.hasEmptyPrompt()) {
                    try (Scope _ = new Scope()) {
                        cache.writeEmptyPrompt(pipeline.models().encodePrompt(""));
                    }
                }
                cache.finish();
            }
            group.agree(0); // nobody leaves before the index is written
            return true;
        }
    }

    /// The rows of one process.
    ///
    /// @param reading of a row
    /// @param workers threads that decode pictures
    /// @param seed of what the Template draws
    private record Share(
            int rank,
            int size,
            Function<DatasetRow, TrainingSample> reading,
            int workers,
            long seed,
            EncodingListener listener) {
        boolean has(int row) {
            return row % size == rank;
        }
    }

    static @Nullable String frozenHash(TrainOptions options, @Nullable LoadedTemplate<?, ?> template) {
        return template == null
                ? null
                : TrainableParts.frozenHash(options.models().trainable(), template);
    }

    /// @return false when a stop was requested
    private boolean encode(Dataset dataset, TrainingStep step, CacheWriter cache, Share share) {
        List<Integer> rows = IntStream.range(0, dataset.rows().size())
                .filter(share::has)
                .boxed()
                .toList();
        List<Integer> open = rows.stream().filter(row -> !cache.has(row)).toList();
        int done = rows.size() - open.size();
        share.listener().onStart(done, rows.size());
        try (Prefetch<TrainingSample> content = new Prefetch<>(share.reading(), share.workers())) {
            for (int i = 0; i < open.size(); i++) {
                if (stopped) {
                    return false;
                }
                content.expect(open.subList(i, Math.min(open.size(), i + 1 + content.ahead())).stream()
                        .map(dataset.rows()::get)
                        .toList());
                DatasetRow row = dataset.rows().get(open.get(i));
                TrainingSample sample = content.get(row);
                try (Scope _ = new Scope()) {
                    cache.write(
                            open.get(i),
                            sample,
                            step.encode(StepSample.of(row, () -> sample)
                                    .withSeeds(StepSample.Seeds.of(share.seed(), row, 0, 0))));
                }
                share.listener().onSample(++done, rows.size());
            }
            return true;
        }
    }
}
