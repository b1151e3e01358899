package io.stencil.train.options;

import io.stencil.autograd.ActivationPolicy;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.TrustedCode;
import io.stencil.tensor.DType;
import io.stencil.train.optim.LearningRateSchedule;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Sets what differs from the defaults, which stand here and nowhere else; the records say what each value means.
public final class TrainOptionsBuilder {

    private final ModelFiles base;
    private final Path dataset;
    private final Path metadata;
    private final Path output;
    private Task task = Task.SFT;

    private int repeat = 1;
    private @Nullable Set<FileKey> fileKeys;
    private int workers;
    private OnBadRow onBadRow = OnBadRow.FAIL;
    private boolean shuffle = true;
    private @Nullable Integer height;
    private @Nullable Integer width;
    private int maxPixels = 1024 * 1024;
    private Set<ExtraInput> extraInputs = Set.of();

    private LoadOptions load = LoadOptions.DEFAULT;
    private @Nullable Path template;
    private TrustedCode trustedCode = TrustedCode.OWN;
    private List<String> trainable = List.of();
    private boolean initializeOnCpu;
    private boolean loraHotLoading;

    private double learningRate = 1e-4;
    private double weightDecay = 0.01;
    private LearningRateSchedule schedule = LearningRateSchedule.CONSTANT;
    private @Nullable Integer warmupSteps;
    private @Nullable Integer epochs;
    private @Nullable Integer maxSteps;
    private int batchSize = 1;
    private @Nullable Double maxGradNorm;
    private @Nullable Double emaDecay;
    private int gradientAccumulationSteps = 1;
    private boolean gradientCheckpointing;
    private boolean gradientCheckpointingOffload;
    private @Nullable Long activationMemory;
    private boolean findUnusedParameters;
    private @Nullable Long seed;

    private TimestepWeighting timestepWeighting = TimestepWeighting.BELL;
    private TimestepRange timesteps = TimestepRange.ALL;
    private double captionDropout;
    private boolean cacheEncodings;
    private double latentNoise = 0.1;
    private double klWeight = 1e-5;
    private double edgeWeight;

    private @Nullable String removedPrefix;
    private @Nullable Integer saveSteps;
    private @Nullable Integer keptCheckpoints;
    private boolean resume;
    private @Nullable Path resumeFrom;
    private DType saveDtype = DType.FLOAT32;
    private boolean saveRawWeights;
    private boolean csvLog;
    private boolean tensorboardLog;

    TrainOptionsBuilder(ModelFiles base, Path dataset, Path metadata, Path output) {
        this.base = base;
        this.dataset = dataset;
        this.metadata = metadata;
        this.output = output;
    }

    public TrainOptionsBuilder task(Task value) {
        task = value;
        return this;
    }

    public TrainOptionsBuilder repeat(int value) {
        repeat = value;
        return this;
    }

    /// Null for those that what goes in needs.
    public TrainOptionsBuilder fileKeys(@Nullable Set<FileKey> value) {
        fileKeys = value;
        return this;
    }

    public TrainOptionsBuilder workers(int value) {
        workers = value;
        return this;
    }

    public TrainOptionsBuilder onBadRow(OnBadRow value) {
        onBadRow = value;
        return this;
    }

    public TrainOptionsBuilder shuffle(boolean value) {
        shuffle = value;
        return this;
    }

    /// Both, or null for each picture's own size.
    public TrainOptionsBuilder size(@Nullable Integer newHeight, @Nullable Integer newWidth) {
        height = newHeight;
        width = newWidth;
        return this;
    }

    public TrainOptionsBuilder maxPixels(int value) {
        maxPixels = value;
        return this;
    }

    public TrainOptionsBuilder extraInputs(Set<ExtraInput> value) {
        extraInputs = value;
        return this;
    }

    public TrainOptionsBuilder load(LoadOptions value) {
        load = value;
        return this;
    }

    public TrainOptionsBuilder trustedCode(TrustedCode value) {
        trustedCode = value;
        return this;
    }

    public TrainOptionsBuilder template(@Nullable Path folder) {
        template = folder;
        return this;
    }

    public TrainOptionsBuilder trainable(List<String> value) {
        trainable = value;
        return this;
    }

    public TrainOptionsBuilder initializeOnCpu(boolean value) {
        initializeOnCpu = value;
        return this;
    }

    public TrainOptionsBuilder loraHotLoading(boolean value) {
        loraHotLoading = value;
        return this;
    }

    public TrainOptionsBuilder learningRate(double value) {
        learningRate = value;
        return this;
    }

    public TrainOptionsBuilder weightDecay(double value) {
        weightDecay = value;
        return this;
    }

    public TrainOptionsBuilder schedule(LearningRateSchedule value) {
        schedule = value;
        return this;
    }

    public TrainOptionsBuilder epochs(@Nullable Integer value) {
        epochs = value;
        return this;
    }

    public TrainOptionsBuilder gradientAccumulationSteps(int value) {
        gradientAccumulationSteps = value;
        return this;
    }

    public TrainOptionsBuilder gradientCheckpointing(boolean value) {
        gradientCheckpointing = value;
        return this;
    }

    /// Inputs of what is recomputed wait on the CPU; recomputes as [#gradientCheckpointing] does.
    public TrainOptionsBuilder gradientCheckpointingOffload(boolean value) {
        gradientCheckpointingOffload = value;
        return this;
    }

    /// Bytes of activations that are kept, beyond which they are recomputed; null when there is no such bound.
    public TrainOptionsBuilder activationMemory(@Nullable Long value) {
        activationMemory = value;
        return this;
    }

    public TrainOptionsBuilder findUnusedParameters(boolean value) {
        findUnusedParameters = value;
        return this;
    }

    public TrainOptionsBuilder seed(@Nullable Long value) {
        seed = value;
        return this;
    }

    public TrainOptionsBuilder removedPrefix(@Nullable String value) {
        removedPrefix = value;
        return this;
    }

    public TrainOptionsBuilder saveSteps(@Nullable Integer value) {
        saveSteps = value;
        return this;
    }

    /// Null keeps all.
    public TrainOptionsBuilder keptCheckpoints(@Nullable Integer value) {
        keptCheckpoints = value;
        return this;
    }

    /// See [OutputOptions#resume].
    public TrainOptionsBuilder resume(boolean value) {
        resume = value;
        return this;
    }

    public TrainOptionsBuilder resumeFrom(@Nullable Path value) {
        resumeFrom = value;
        return this;
    }

    public TrainOptionsBuilder csvLog(boolean value) {
        csvLog = value;
        return this;
    }

    public TrainOptionsBuilder tensorboardLog(boolean value) {
        tensorboardLog = value;
        return this;
    }

    public TrainOptionsBuilder warmupSteps(@Nullable Integer value) {
        warmupSteps = value;
        return this;
    }

    public TrainOptionsBuilder maxSteps(@Nullable Integer value) {
        maxSteps = value;
        return this;
    }

    public TrainOptionsBuilder batchSize(int value) {
        batchSize = value;
        return this;
    }

    public TrainOptionsBuilder maxGradNorm(@Nullable Double value) {
        maxGradNorm = value;
        return this;
    }

    public TrainOptionsBuilder emaDecay(@Nullable Double value) {
        emaDecay = value;
        return this;
    }

    public TrainOptionsBuilder timestepWeighting(TimestepWeighting value) {
        timestepWeighting = value;
        return this;
    }

    public TrainOptionsBuilder timesteps(TimestepRange value) {
        timesteps = value;
        return this;
    }

    public TrainOptionsBuilder captionDropout(double value) {
        captionDropout = value;
        return this;
    }

    public TrainOptionsBuilder cacheEncodings(boolean value) {
        cacheEncodings = value;
        return this;
    }

    public TrainOptionsBuilder latentNoise(double value) {
        latentNoise = value;
        return this;
    }

    public TrainOptionsBuilder klWeight(double value) {
        klWeight = value;
        return this;
    }

    /// See [ObjectiveOptions#edgeWeight].
    public TrainOptionsBuilder edgeWeight(double value) {
        edgeWeight = value;
        return this;
    }

    public TrainOptionsBuilder saveDtype(DType value) {
        saveDtype = value;
        return this;
    }

    public TrainOptionsBuilder saveRawWeights(boolean value) {
        saveRawWeights = value;
        return this;
    }

    private ActivationPolicy activations() {
        if (activationMemory != null) {
            return new ActivationPolicy.Within(activationMemory, gradientCheckpointingOffload);
        }
        return gradientCheckpointing || gradientCheckpointingOffload
                ? new ActivationPolicy.Recompute(gradientCheckpointingOffload)
                : new ActivationPolicy.Keep();
    }

    /// @throws io.stencil.error.InvalidRequestException for a value that cannot be used, naming its option
    public TrainOptions build() {
        return new TrainOptions(
                task,
                new DataOptions(
                        dataset,
                        metadata,
                        repeat,
                        fileKeys == null ? FileKey.neededBy(extraInputs) : fileKeys,
                        workers,
                        shuffle,
                        height,
                        width,
                        maxPixels,
                        extraInputs,
                        onBadRow),
                new ModelOptions(base, load, template, trustedCode, trainable, initializeOnCpu, loraHotLoading),
                new ObjectiveOptions(
                        timestepWeighting,
                        timesteps,
                        captionDropout,
                        cacheEncodings,
                        latentNoise,
                        klWeight,
                        edgeWeight),
                new OptimisationOptions(
                        learningRate,
                        weightDecay,
                        schedule,
                        warmupSteps,
                        epochs == null && maxSteps == null ? Integer.valueOf(1) : epochs,
                        maxSteps,
                        batchSize,
                        gradientAccumulationSteps,
                        maxGradNorm,
                        emaDecay,
                        activations(),
                        findUnusedParameters,
                        seed),
                new OutputOptions(
                        output,
                        removedPrefix,
                        saveSteps,
                        keptCheckpoints,
                        resume,
                        resumeFrom,
                        saveDtype,
                        saveRawWeights,
                        csvLog,
                        tensorboardLog));
    }
}
