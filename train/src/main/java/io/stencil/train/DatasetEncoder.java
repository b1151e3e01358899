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
import io.stencil.train.checkpoint.TrainableParts;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.Prefetch;
import io.stencil.train.data.Sample;
import io.stencil.train.encodings.CacheWriter;
import io.stencil.train.encodings.Encoded;
import io.stencil.train.options.DataOptions.OnBadRow;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.step.TrainingStep;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BiFunction;
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
        try (TrainModels models = TrainModels.load(options.models())) {
            Flux2Pipeline pipeline = models.pipeline();
            LoadedTemplate<?, ?> template = models.template();
            SkippedRows skipping = new SkippedRows(group, options.data().workers(), listener::onWarning);
            Dataset dataset = options.data().onBadRow() == OnBadRow.SKIP ? skipping.find(read, template, null) : read;
            boolean draws = TrainingData.check(dataset, models);
            @Nullable
            String frozenHash = TrainableParts.frozenHash(options.models().trainable(), template);
            CacheWriter cache = CacheWriter.begin(options, dataset, pipeline.models(), frozenHash, group);
            TrainingStep step = new TrainingStep(pipeline, template, new ActivationPolicy.Keep(), listener::onWarning);
            Long given = options.optimisation().seed();
            long seed = given == null ? 0 : given;
            List<Integer> share = IntStream.range(0, dataset.rows().size())
                    .filter(row -> row % group.size() == group.rank())
                    .boxed()
                    .toList();
            boolean ended;
            try (Prefetch<Sample.Content> contents = new Prefetch<>(
                    TrainingData.reading(dataset, template, seed, draws),
                    options.data().workers())) {
                ended = encode(
                        dataset,
                        share,
                        cache,
                        contents,
                        listener,
                        (row, content) ->
                                step.encode(Sample.of(row, () -> content).withSeeds(Sample.Seeds.of(seed, row, 0, 0))));
            }
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

    /// Encodes the rows that are not encoded yet.
    ///
    /// @param share rows of this process
    /// @param contents of the rows
    /// @param encoding of a row, whose tensors the present scope owns
    /// @return false when a stop was requested
    private boolean encode(
            Dataset dataset,
            List<Integer> share,
            CacheWriter cache,
            Prefetch<Sample.Content> contents,
            EncodingListener listener,
            BiFunction<DatasetRow, Sample.Content, Encoded> encoding) {
        List<Integer> open = share.stream().filter(row -> !cache.has(row)).toList();
        int done = share.size() - open.size();
        listener.onStart(done, share.size());
        for (int i = 0; i < open.size(); i++) {
            if (stopped) {
                return false;
            }
            contents.expect(open.subList(i, Math.min(open.size(), i + 1 + contents.ahead())).stream()
                    .map(dataset.rows()::get)
                    .toList());
            DatasetRow row = dataset.rows().get(open.get(i));
            Sample.Content content = contents.get(row);
            try (Scope _ = new Scope()) {
                cache.write(open.get(i), content, encoding.apply(row, content));
            }
            listener.onSample(++done, share.size());
        }
        return true;
    }

    /// Receives the progress of encoding, on the thread that encodes.
    public interface EncodingListener {

        /// Ignores all events.
        EncodingListener NONE = new EncodingListener() {};

        /// Models and data are loaded and checked.
        ///
        /// @param done samples that an earlier run has encoded
        default void onStart(int done, int samples) {}

        /// A sample is written.
        default void onSample(int done, int samples) {}

        /// Something that a user should know although work goes on.
        default void onWarning(String message) {}
    }
}
