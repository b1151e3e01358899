package io.stencil.cli.options;

import io.stencil.error.InvalidRequestException;
import io.stencil.train.encodings.CacheFolder;
import io.stencil.train.options.DataOptions;
import io.stencil.train.options.DataOptions.ExtraInput;
import io.stencil.train.options.OptionSchema;
import io.stencil.train.options.Task;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/// Reads the options of a dataset from a parsed command.
///
/// @param command with the options of [DataOptions]
public record DatasetOptions(CommandSpec command) {

    private static final OptionSchema<DataOptions> SCHEMA = OptionSchema.of(DataOptions.class);

    /// Adds the options of a dataset to a command.
    public static final class Model implements IModelTransformer {
        @Override
        public CommandSpec transform(CommandSpec command) {
            PicocliOptions.add(command, SCHEMA);
            return command;
        }
    }

    /// The metadata file; with `sft:train` the index of the encoded samples.
    ///
    /// @throws ParameterException when an option is missing
    /// @throws InvalidRequestException when one has no part in the task
    public Path metadata(Task task) {
        Path metadata = PicocliOptions.path(command, "dataset_metadata_path");
        if (task != Task.SFT_TRAIN) {
            return required(metadata, "--dataset_metadata_path=FILE", command.commandLine());
        }
        if (metadata != null) {
            throw new InvalidRequestException(
                    "dataset_metadata_path",
                    "has no part in --task sft:train, which reads the samples in --dataset_base_path; leave it out");
        }
        return new CacheFolder(required(basePath(), "--dataset_base_path=DIR", command.commandLine())).index();
    }

    private @Nullable Path basePath() {
        return PicocliOptions.path(command, "dataset_base_path");
    }

    private static Path required(@Nullable Path value, String option, CommandLine command) {
        if (value == null) {
            throw new ParameterException(command, "Missing required option: '%s'".formatted(option));
        }
        return value;
    }

    /// The folder that the paths in a metadata file are relative to.
    ///
    /// @param metadata as [#metadata] gave it
    public Path folder(Path metadata) {
        Path folder = basePath();
        if (folder != null) {
            return folder;
        }
        Path parent = metadata.toAbsolutePath().getParent();
        return parent == null ? metadata.toAbsolutePath() : parent;
    }

    /// Whether a metadata file is given.
    public boolean namesMetadata() {
        return PicocliOptions.path(command, "dataset_metadata_path") != null;
    }

    /// The options of a dataset alone.
    ///
    /// @param metadata as [#metadata] gave it
    /// @param steered whether Template inputs go in, also where `--extra_inputs` does not name them
    public DataOptions data(Path metadata, boolean steered) {
        Map<String, Object> values = PicocliOptions.values(command, SCHEMA);
        values.put("dataset_base_path", folder(metadata));
        values.put("dataset_metadata_path", metadata);
        if (steered) {
            Set<ExtraInput> inputs = EnumSet.of(ExtraInput.TEMPLATE_INPUTS);
            if (values.get("extra_inputs") instanceof Set<?> given) {
                given.forEach(input -> inputs.add((ExtraInput) input));
            }
            values.put("extra_inputs", inputs);
        }
        return SCHEMA.build(values);
    }
}
