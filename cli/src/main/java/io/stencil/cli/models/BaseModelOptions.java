package io.stencil.cli.models;

import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/// Where the base model lies and how it is loaded: the options that commands share.
public final class BaseModelOptions {

    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // set by picocli before a command runs
    private CommandSpec command;

    @Option(
            names = "--model_paths",
            paramLabel = "JSON",
            description = "The base model: a JSON list of safetensors files, patterns or folders, a list in it being "
                    + "the shards of one model; or the path of one folder in Hugging Face layout.")
    private @Nullable String modelPaths;

    @Option(
            names = "--model_id_with_origin_paths",
            paramLabel = "LIST",
            description =
                    "The base model as ID:PATTERN or FOLDER:PATTERN, comma-separated; an empty pattern means all of it.")
    private List<String> originPaths = List.of();

    @Option(
            names = "--tokenizer_path",
            paramLabel = "DIR",
            description = "Folder with tokenizer.json, also as ID:tokenizer/. Default: the model folder's own.")
    private @Nullable String tokenizerPath;

    @Option(names = "--device", paramLabel = "cpu|cuda[:N]", description = "Default: ${DEFAULT-VALUE}.")
    private String device = "cpu";

    @Option(
            names = "--dtype",
            paramLabel = "float32|bfloat16",
            converter = ComputeDtype.class,
            description = "Of weights and activations. Default: bfloat16.")
    private DType dtype = DType.BFLOAT16;

    /// The files of the model, all of which are there.
    ///
    /// @param remote fetches what is named by the ID of a hub
    /// @throws io.stencil.error.StencilException when one is absent and cannot be fetched
    /// @throws ParameterException when the model or its tokenizer is not named
    public ModelFiles files(RemoteModels remote) {
        ModelFiles files = filesWithoutPrompts(remote);
        if (files.tokenizer() == null) {
            throw usage("Missing option: '--tokenizer_path': the folder with the base model's tokenizer.json");
        }
        return files;
    }

    /// The same, where no prompt is to be encoded: without a tokenizer too.
    public ModelFiles filesWithoutPrompts(RemoteModels remote) {
        if (modelPaths != null && !originPaths.isEmpty()) {
            throw usage("--model_paths and --model_id_with_origin_paths are both given; name the base model by one");
        }
        ModelFiles files;
        if (modelPaths != null) {
            files = ModelPaths.read(modelPaths, remote);
        } else if (!originPaths.isEmpty()) {
            files = OriginPath.models(String.join(",", originPaths), remote);
        } else {
            throw usage(
                    "Missing option: '--model_paths': the base model's files, or its folder in Hugging Face layout");
        }
        return new ModelFiles(
                files.parts(), tokenizerPath == null ? files.tokenizer() : OriginPath.tokenizer(tokenizerPath, remote));
    }

    /// The models as the options name them, one text each.
    List<String> entries() {
        return modelPaths == null
                ? OriginPath.split(OriginPath.LIST_OPTION, String.join(",", originPaths))
                : ModelPaths.entries(modelPaths);
    }

    /// The files of one of [#entries].
    ModelFiles entry(String text, RemoteModels remote) {
        return modelPaths == null ? OriginPath.models(text, remote) : ModelPaths.readEntry(text, remote);
    }

    private ParameterException usage(String message) {
        return new ParameterException(command.commandLine(), message);
    }

    /// @throws io.stencil.error.InvalidRequestException for a device that is not there
    public LoadOptions load() {
        return new LoadOptions(dtype, Device.parse(device));
    }

    /// The dtypes that a pipeline can work in, by name.
    public static final class ComputeDtype implements ITypeConverter<DType> {
        @Override
        public DType convert(String value) {
            return switch (value) {
                case "float32" -> DType.FLOAT32;
                case "bfloat16" -> DType.BFLOAT16;
                default ->
                    throw new TypeConversionException("expected float32 or bfloat16, found '%s'".formatted(value));
            };
        }
    }
}
