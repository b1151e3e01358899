package io.stencil.cli.train;

import io.stencil.cli.models.FilePattern;
import io.stencil.cli.models.OriginPath;
import io.stencil.cli.models.RemoteModels;
import io.stencil.cli.models.TemplateOptions;
import io.stencil.error.InvalidRequestException;
import io.stencil.template.load.TemplateFolder;
import io.stencil.train.optim.LearningRateSchedule;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptionsBuilder;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/// Reads the options of `stencil train` for trained parts, optimisation and checkpoints.
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
public final class TrainingOptions {

    @Option(
            names = "--task",
            paramLabel = "sft|sft:data_process|sft:train|vae",
            description = "sft trains in one stage; the next two encode the dataset into --output_path, and train from "
                    + "there without text encoder and VAE. Default: ${DEFAULT-VALUE}.")
    private String task = "sft";

    @Option(
            names = "--template_model_id_or_path",
            paramLabel = "DIR|ID:",
            description = "Folder of the Template that is trained, or its ID at a hub with a colon.")
    private @Nullable String template;

    @Option(
            names = "--trainable_models",
            paramLabel = "NAMES",
            split = ",",
            required = true,
            description = "What is trained: template_model, or parts such as template_model.mlp; dit; vae.")
    private List<String> trainable;

    @Option(names = "--learning_rate", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private double learningRate = 1e-4;

    @Option(names = "--weight_decay", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private double weightDecay = 0.01;

    @Option(
            names = "--lr_scheduler",
            paramLabel = "constant|cosine|none",
            description = "constant: a third of the rate for the first five updates, unless --warmup_steps is given. "
                    + "Default: ${DEFAULT-VALUE}.")
    private String schedule = "constant";

    @Option(names = "--num_epochs", paramLabel = "N", description = "Default: 1, unless --max_steps is given.")
    private @Nullable Integer epochs;

    @Option(names = "--gradient_accumulation_steps", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int accumulation = 1;

    @Option(names = "--seed", paramLabel = "N", description = "Makes a run repeatable.")
    private @Nullable Long seed;

    @Option(names = "--use_gradient_checkpointing", description = "Less memory, more time.")
    private boolean checkpointing;

    @Option(
            names = "--use_gradient_checkpointing_offload",
            description = "The same, with what has to be kept out of the GPU's memory.")
    private boolean checkpointingOffload;

    @Option(
            names = "--activation_memory",
            paramLabel = "4GB",
            converter = MemorySize.class,
            description = "Gradient checkpointing only of what does not fit: keep activations up to this size.")
    private @Nullable Long activationMemory;

    @Option(
            names = "--find_unused_parameters",
            description = "In several processes: allow trained parts on which the loss does not always depend.")
    private boolean findUnusedParameters;

    @Option(names = "--initialize_model_on_cpu", hidden = true)
    private boolean initializeOnCpu;

    @Option(names = "--enable_lora_hot_loading", hidden = true)
    private boolean loraHotLoading;

    @Option(
            names = "--output_path",
            paramLabel = "DIR",
            description = "Gets checkpoints, states, logs and training_args.json. Needed, unless --resume is given.")
    private @Nullable Path output;

    @Option(
            names = "--resume",
            paramLabel = "DIR",
            description =
                    "Go on with the run in this folder, from its newest complete state. What is not given is taken "
                            + "from its training_args.json.")
    private @Nullable Path resume;

    @Option(
            names = "--remove_prefix_in_ckpt",
            paramLabel = "TEXT",
            description = "Cut off names in checkpoints, such as pipe.template_model.")
    private @Nullable String removedPrefix;

    @Option(
            names = "--save_steps",
            paramLabel = "N",
            description = "Steps between checkpoints, each with the state to go on from. "
                    + "Default: one at each epoch's end, or with --max_steps one at the end.")
    private @Nullable Integer saveSteps;

    @Option(
            names = "--keep_checkpoints",
            paramLabel = "N",
            description = "Keep the newest N checkpoints and remove older ones. Default: all.")
    private @Nullable Integer keptCheckpoints;

    @Option(
            names = "--resume_from_checkpoint",
            paramLabel = "FILE|ID:FILE",
            description = "Begin with the weights of a checkpoint.")
    private @Nullable String resumeFrom;

    @Option(names = "--enable_csv_log", description = "Write each step's loss to a CSV file.")
    private boolean csvLog;

    @Option(names = "--enable_tensorboard_log", hidden = true)
    private boolean tensorboardLog;

    /// @throws InvalidRequestException when it is not known
    public Task task() {
        return Task.parse(task);
    }

    /// Whether a run goes on in its folder.
    public boolean resumes() {
        return resume != null;
    }

    /// The folder of the run.
    ///
    /// @throws ParameterException when none is named
    /// @throws InvalidRequestException when two are
    public Path output(CommandLine command) {
        if (resume == null) {
            if (output == null) {
                throw new ParameterException(command, "Missing required option: '--output_path=DIR'");
            }
            return output;
        }
        if (output != null && !absolute(output).equals(absolute(resume))) {
            throw new InvalidRequestException(
                    "resume",
                    "is '%s', but --output_path is '%s': a run goes on in its own folder; leave --output_path out"
                            .formatted(resume, output));
        }
        return resume;
    }

    private static Path absolute(Path path) {
        return path.toAbsolutePath().normalize();
    }

    /// All but what may lie at a hub.
    ///
    /// @throws io.stencil.error.InvalidRequestException when the task is not known
    public void applyTo(TrainOptionsBuilder options) {
        options.task(task())
                .template(template == null ? null : FilePattern.path("template_model_id_or_path", template))
                .trainable(trainable)
                .learningRate(learningRate)
                .weightDecay(weightDecay)
                .schedule(LearningRateSchedule.parse(schedule))
                .epochs(epochs)
                .gradientAccumulationSteps(accumulation)
                .seed(seed)
                .gradientCheckpointing(checkpointing)
                .gradientCheckpointingOffload(checkpointingOffload)
                .activationMemory(activationMemory)
                .findUnusedParameters(findUnusedParameters)
                .initializeOnCpu(initializeOnCpu)
                .loraHotLoading(loraHotLoading)
                .removedPrefix(removedPrefix)
                .saveSteps(saveSteps)
                .keptCheckpoints(keptCheckpoints)
                .resume(resume != null)
                .csvLog(csvLog)
                .tensorboardLog(tensorboardLog);
    }

    /// Looks at what is named by its path, before anything is fetched.
    ///
    /// @throws io.stencil.error.StencilException when it is not there
    public void checkModels() {
        if (template != null) {
            TemplateOptions.checkFolder(template);
        }
        if (resumeFrom != null) {
            String named = resumeFrom;
            RemoteModels.check(remote -> OriginPath.checkpoint("resume_from_checkpoint", named, remote));
        }
    }

    /// What is named by its path, or comes from a hub.
    ///
    /// @throws io.stencil.error.StencilException when it is not there
    public void applyModels(TrainOptionsBuilder options, RemoteModels remote) {
        if (template != null) {
            TemplateFolder folder = TemplateOptions.folder(template, remote);
            options.template(folder.folder()).trustedCode(folder.trustedCode());
        }
        if (resumeFrom != null) {
            options.resumeFrom(OriginPath.checkpoint("resume_from_checkpoint", resumeFrom, remote));
        }
    }
}
