package io.stencil.cli.options;

import io.stencil.cli.models.HubModels;
import io.stencil.cli.models.TemplateOptions;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.files.LocalPath;
import io.stencil.hub.ModelSource;
import io.stencil.hub.ModelSource.Located;
import io.stencil.template.load.TemplateFolder;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/// Reads the options of `stencil train` from its parsed command.
///
/// @param command with the options of [TrainOptions], and `--resume`
public record TrainingOptions(CommandSpec command) {

    private static final String TEMPLATE = "template_model_id_or_path";
    private static final String OUTPUT = "--output_path";
    private static final List<String> CHECKPOINTS = List.of("resume_from_checkpoint", "lora_checkpoint");

    /// Adds the options of training to a command.
    public static final class Model implements IModelTransformer {
        @Override
        public CommandSpec transform(CommandSpec command) {
            PicocliOptions.add(command, TrainOptions.SCHEMA);
            return command.addOption(OptionSpec.builder("--resume")
                    .type(Path.class)
                    .paramLabel("DIR")
                    .description("Go on with the run in this folder, from its newest complete state. What is not given "
                            + "is taken from its training_args.json.")
                    .build());
        }
    }

    /// Adds the same options to a command that measures. The help has those of validation alone, and `--output_path`
    /// gets the report.
    public static final class MeasurementModel implements IModelTransformer {
        @Override
        public CommandSpec transform(CommandSpec command) {
            PicocliOptions.add(command, TrainOptions.SCHEMA);
            for (OptionSpec option : List.copyOf(command.options())) {
                String name = option.longestName();
                if (name.equals(OUTPUT)) {
                    command.remove(option);
                    command.addOption(OptionSpec.builder(option)
                            .required(false)
                            .paramLabel("FILE.json")
                            .description("Gets the report as JSON.")
                            .build());
                } else if (TrainOptions.SCHEMA.option(name.substring(2)).isPresent()
                        && !name.startsWith("--validation_")) {
                    command.remove(option);
                    command.addOption(OptionSpec.builder(option)
                            .required(false)
                            .hidden(true)
                            .build());
                }
            }
            return command;
        }
    }

    /// @throws InvalidRequestException when it is not known
    public Task task() {
        String text = Objects.requireNonNull(PicocliOptions.text(command, "task"));
        return (Task) TrainOptions.SCHEMA.option("task").orElseThrow().read(List.of(text));
    }

    private @Nullable Path resumed() {
        return command.findOption("--resume") == null ? null : PicocliOptions.path(command, "resume");
    }

    /// Whether a run goes on in its folder.
    public boolean resumes() {
        return resumed() != null;
    }

    /// The folder of the run.
    ///
    /// @throws ParameterException when none is named
    /// @throws InvalidRequestException when two are
    public Path output() {
        Path output = PicocliOptions.path(command, "output_path");
        Path resumed = resumed();
        if (resumed == null) {
            if (output == null) {
                throw new ParameterException(command.commandLine(), "Missing required option: '--output_path=DIR'");
            }
            return output;
        }
        if (output != null && !absolute(output).equals(absolute(resumed))) {
            throw new InvalidRequestException(
                    "resume",
                    "is '%s', but --output_path is '%s': a run goes on in its own folder; leave --output_path out"
                            .formatted(resumed, output));
        }
        return resumed;
    }

    /// The file of a measurement's report, or null for none.
    public @Nullable Path report() {
        return PicocliOptions.path(command, "output_path");
    }

    private static Path absolute(Path path) {
        return path.toAbsolutePath().normalize();
    }

    /// All options but what may lie at a hub, and where the dataset lies.
    ///
    /// @throws InvalidRequestException for a text that is not one of the known names
    public void applyTo(TrainOptions.Builder options) {
        var values = PicocliOptions.values(command, TrainOptions.SCHEMA);
        values.keySet().removeAll(List.of("dataset_base_path", "dataset_metadata_path", "output_path"));
        String template = PicocliOptions.text(command, TEMPLATE);
        options.setAll(values)
                .resume(resumes())
                .template(template == null ? null : LocalPath.of(Location.ofField(TEMPLATE), template));
    }

    /// Validates local models before fetching.
    ///
    /// @throws io.stencil.error.StencilException when it is not there
    public void checkLocal() {
        String template = PicocliOptions.text(command, TEMPLATE);
        if (template != null) {
            TemplateOptions.checkLocal(template);
        }
        CHECKPOINTS.forEach(
                option -> checkpoint(option).flatMap(ModelSource::local).ifPresent(Located::file));
    }

    private Optional<ModelSource> checkpoint(String option) {
        return Optional.ofNullable(PicocliOptions.text(command, option)).map(text -> ModelSource.parse(option, text));
    }

    /// Resolves models, after fetching those of a hub.
    ///
    /// @throws io.stencil.error.StencilException when it is not there
    public void applyModels(TrainOptions.Builder options, HubModels hub) {
        String template = PicocliOptions.text(command, TEMPLATE);
        if (template != null) {
            TemplateFolder folder = TemplateOptions.resolve(template, hub);
            options.template(folder.folder()).trustedCode(folder.trustedCode());
        }
        CHECKPOINTS.forEach(option -> checkpoint(option)
                .ifPresent(source -> options.set(option, source.resolve(hub).file())));
    }
}
