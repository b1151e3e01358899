package io.stencil.cli.train;

import io.stencil.error.InvalidRequestException;
import io.stencil.train.options.DataOptions;
import io.stencil.train.options.ExtraInput;
import io.stencil.train.options.FileKey;
import io.stencil.train.options.OnBadRow;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptionsBuilder;
import io.stencil.train.split.CacheFolder;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/// Reads the dataset options of `stencil train`.
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
public final class DatasetOptions {

    @Option(
            names = "--dataset_base_path",
            paramLabel = "DIR",
            description = "Folder that paths in the metadata are relative to. Default: the metadata file's. "
                    + "With --task sft:train: the folder that --task sft:data_process made.")
    private @Nullable Path basePath;

    @Option(
            names = "--dataset_metadata_path",
            paramLabel = "FILE",
            description = "metadata.json, .jsonl or .csv with image, prompt, template_inputs.")
    private @Nullable Path metadataPath;

    @Option(names = "--dataset_repeat", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int repeat = 1;

    @Option(
            names = "--dataset_shuffle",
            arity = "1",
            paramLabel = "true|false",
            description = "A new order for each epoch. Default: ${DEFAULT-VALUE}.")
    private boolean shuffle = true;

    @Option(
            names = "--dataset_num_workers",
            paramLabel = "N",
            description =
                    "Threads that read rows ahead of their use: pictures, Template inputs, encoded samples; above 0 "
                            + "VAE and text encoder work ahead too. "
                            + "Default: ${DEFAULT-VALUE}.")
    private int workers;

    @Option(
            names = "--data_file_keys",
            paramLabel = "KEYS",
            split = ",",
            description = "Columns to open as files: image, edit_image. Default: image, and edit_image where "
                    + "--extra_inputs names it.")
    private @Nullable List<String> fileKeys;

    @Option(
            names = "--on_bad_row",
            paramLabel = "fail|skip",
            description = "Rows that cannot be read: fail ends the run; skip reads all rows before the first step and "
                    + "leaves those out, a tenth at most. Default: ${DEFAULT-VALUE}.")
    private String onBadRow = "fail";

    @Option(names = "--height", paramLabel = "PIXELS", description = "Of all pictures; default: each one's own.")
    private @Nullable Integer height;

    @Option(names = "--width", paramLabel = "PIXELS", description = "Of all pictures; default: each one's own.")
    private @Nullable Integer width;

    @Option(
            names = "--max_pixels",
            paramLabel = "N",
            description = "Larger pictures are scaled down to it. Default: ${DEFAULT-VALUE}.")
    private int maxPixels = 1024 * 1024;

    @Option(
            names = "--extra_inputs",
            paramLabel = "KEYS",
            split = ",",
            description = "Keys of a row that go in beside picture and prompt: template_inputs, edit_image.")
    private List<String> extraInputs = List.of();

    /// The metadata file; with `sft:train` the index of the encoded samples.
    ///
    /// @throws ParameterException when an option is missing
    /// @throws InvalidRequestException when one has no part in the task
    public Path metadata(Task task, CommandLine command) {
        if (task != Task.SFT_TRAIN) {
            return required(metadataPath, "--dataset_metadata_path=FILE", command);
        }
        if (metadataPath != null) {
            throw new InvalidRequestException(
                    "dataset_metadata_path",
                    "has no part in --task sft:train, which reads the samples in --dataset_base_path; leave it out");
        }
        return new CacheFolder(required(basePath, "--dataset_base_path=DIR", command)).index();
    }

    private static Path required(@Nullable Path value, String option, CommandLine command) {
        if (value == null) {
            throw new ParameterException(command, "Missing required option: '%s'".formatted(option));
        }
        return value;
    }

    /// @param metadata as [#metadata] gave it
    public Path folder(Path metadata) {
        if (basePath != null) {
            return basePath;
        }
        Path parent = metadata.toAbsolutePath().getParent();
        return parent == null ? metadata.toAbsolutePath() : parent;
    }

    /// Whether a metadata file is given.
    public boolean namesMetadata() {
        return metadataPath != null;
    }

    /// The options of a dataset alone.
    ///
    /// @param metadata as [#metadata] gave it
    /// @param steered whether Template inputs go in, also where `--extra_inputs` does not name them
    public DataOptions data(Path metadata, boolean steered) {
        Set<ExtraInput> inputs = EnumSet.noneOf(ExtraInput.class);
        inputs.addAll(ExtraInput.parse(String.join(",", extraInputs)));
        if (steered) {
            inputs.add(ExtraInput.TEMPLATE_INPUTS);
        }
        return new DataOptions(
                folder(metadata),
                metadata,
                repeat,
                fileKeys == null ? FileKey.neededBy(inputs) : FileKey.parse(fileKeys),
                workers,
                shuffle,
                height,
                width,
                maxPixels,
                inputs,
                OnBadRow.parse(onBadRow));
    }

    /// Hands on what was given; the rest keeps the defaults of [TrainOptionsBuilder].
    public void applyTo(TrainOptionsBuilder options) {
        options.repeat(repeat)
                .shuffle(shuffle)
                .workers(workers)
                .onBadRow(OnBadRow.parse(onBadRow))
                .fileKeys(fileKeys == null ? null : FileKey.parse(fileKeys))
                .size(height, width)
                .maxPixels(maxPixels)
                .extraInputs(ExtraInput.parse(String.join(",", extraInputs)));
    }
}
