package io.stencil.cli.models;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.hub.ModelSource;
import io.stencil.hub.ModelSource.Fetch;
import io.stencil.hub.ModelSource.Located;
import io.stencil.json.Json;
import io.stencil.json.JsonReason;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/// Options that name a base model and load it, shared by commands of inference and training.
public final class BaseModelOptions {

    private static final String PATHS = "model_paths";
    private static final String ORIGINS = "model_id_with_origin_paths";
    private static final String EXPECTED = "expected a JSON list such as [\"a.safetensors\", [\"shard1\", \"shard2\"]]";

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
            description =
                    "Folder with tokenizer.json, also as ID:tokenizer/. Default: the model folder's own, else Qwen3's, which is built in.")
    private @Nullable String tokenizerPath;

    @Option(names = "--device", paramLabel = "cpu|cuda[:N]", description = "Default: ${DEFAULT-VALUE}.")
    private String device = "cpu";

    @Option(
            names = "--dtype",
            paramLabel = "float32|bfloat16",
            converter = ComputeDtype.class,
            description = "Of weights and activations. Default: bfloat16.")
    private DType dtype = DType.BFLOAT16;

    /// Base model on the disk.
    ///
    /// @param entries files of each entry of the options that is one text; none for an entry that has to be fetched
    /// @param files of all entries, those that have to be fetched left out
    /// @param isWhole whether nothing has to be fetched
    public record BaseModel(Map<String, ModelFiles> entries, ModelFiles files, boolean isWhole) {}

    /// One entry of the options.
    ///
    /// @param text null for a list of shards
    private record Entry(@Nullable String text, List<ModelSource> sources) {

        static Entry of(String option, String text) {
            return new Entry(text, List.of(ModelSource.parse(option, text)));
        }

        /// Returns the files; empty where one has to be fetched and there is no hub.
        Optional<ModelFiles> files(@Nullable Fetch hub) {
            List<Path> shards = new ArrayList<>();
            boolean isWhole = true;
            for (ModelSource source : sources) {
                Optional<Located> located = locate(source, hub);
                if (text != null && located.isPresent() && isModelFolder(located.get())) {
                    return Optional.of(ModelFiles.in(located.get().root()));
                }
                located.ifPresent(shard -> shards.addAll(shard.weights()));
                isWhole &= located.isPresent();
            }
            return isWhole ? Optional.of(new ModelFiles(List.of(shards), null)) : Optional.empty();
        }

        private static boolean isModelFolder(Located located) {
            return located.pattern().isEmpty()
                    && Stream.of("transformer", "vae", "text_encoder")
                            .anyMatch(part -> Files.isDirectory(located.root().resolve(part)));
        }
    }

    /// Validates what is named by a path, without fetching.
    ///
    /// @throws io.stencil.error.StencilException naming a file that does not exist
    /// @throws ParameterException when the model is not named
    public BaseModel checkLocal() {
        return model(null);
    }

    /// Locates all files of the model, after fetching those of a hub.
    ///
    /// @throws io.stencil.error.StencilException naming a file that does not exist or cannot be fetched
    /// @throws ParameterException when the model is not named
    public BaseModel resolve(Fetch hub) {
        return model(hub);
    }

    private static Optional<Located> locate(ModelSource source, @Nullable Fetch hub) {
        return hub == null ? source.local() : Optional.of(source.resolve(hub));
    }

    private BaseModel model(@Nullable Fetch hub) {
        Map<String, ModelFiles> named = new LinkedHashMap<>();
        List<List<Path>> parts = new ArrayList<>();
        Path tokenizer = null;
        boolean isWhole = true;
        for (Entry entry : entries()) {
            Optional<ModelFiles> located = entry.files(hub);
            ModelFiles files = located.orElse(new ModelFiles(List.of(), null));
            parts.addAll(files.parts());
            tokenizer = files.tokenizer() == null ? tokenizer : files.tokenizer();
            isWhole &= located.isPresent();
            if (entry.text() != null) {
                named.put(entry.text(), files);
            }
        }
        if (tokenizerPath != null) {
            Optional<Located> located = locate(ModelSource.parse("tokenizer_path", tokenizerPath), hub);
            tokenizer = located.map(BaseModelOptions::tokenizer).orElse(null);
            isWhole &= located.isPresent();
        }
        return new BaseModel(named, new ModelFiles(parts, tokenizer), isWhole);
    }

    /// Returns the folder of the tokenizer, also where its file is named.
    private static Path tokenizer(Located named) {
        Path folder = named.pattern().isEmpty() && Files.isRegularFile(named.root()) ? named.root() : named.folder();
        Path parent = folder.getParent();
        Path resolved = folder.endsWith("tokenizer.json") && parent != null ? parent : folder;
        if (!Files.isRegularFile(resolved.resolve("tokenizer.json"))) {
            throw new InvalidRequestException("tokenizer_path", "'%s' has no tokenizer.json".formatted(named.text()));
        }
        return resolved;
    }

    private List<Entry> entries() {
        if (modelPaths != null && !originPaths.isEmpty()) {
            throw usage("--model_paths and --model_id_with_origin_paths are both given; name the base model by one");
        }
        if (modelPaths != null) {
            return entries(modelPaths.strip());
        }
        if (originPaths.isEmpty()) {
            throw usage(
                    "Missing option: '--model_paths': the base model's files, or its folder in Hugging Face layout");
        }
        List<Entry> entries = split(ORIGINS, originPaths).stream()
                .map(text -> Entry.of(ORIGINS, text))
                .toList();
        entries.forEach(entry -> entry.sources().getFirst().local().ifPresent(Located::requireRoot));
        return entries;
    }

    /// Reads the value of `--model_paths`: a path, or a JSON list of files, patterns, folders and lists of shards.
    private static List<Entry> entries(String text) {
        if (!text.startsWith("[") && !text.startsWith("\"") && !text.startsWith("{")) {
            return List.of(Entry.of(PATHS, text));
        }
        JsonNode root = json(text);
        if (root.isTextual()) {
            return List.of(Entry.of(PATHS, root.textValue()));
        }
        if (!root.isArray() || root.isEmpty()) {
            throw new InvalidRequestException(PATHS, EXPECTED + ", found " + root);
        }
        List<Entry> entries = new ArrayList<>();
        for (JsonNode entry : root) {
            if (!entry.isTextual() && (!entry.isArray() || entry.isEmpty())) {
                throw new InvalidRequestException(PATHS, "an entry must be a path or a list of paths, found " + entry);
            }
            entries.add(entry.isTextual() ? Entry.of(PATHS, entry.textValue()) : new Entry(null, shards(entry)));
        }
        return entries;
    }

    private static List<ModelSource> shards(JsonNode list) {
        List<ModelSource> shards = new ArrayList<>();
        for (JsonNode shard : list) {
            if (!shard.isTextual()) {
                throw new InvalidRequestException(PATHS, "a shard must be a path, found " + shard);
            }
            shards.add(ModelSource.parse(PATHS, shard.textValue()));
        }
        return shards;
    }

    private static JsonNode json(String text) {
        try {
            return Json.MAPPER.readTree(text);
        } catch (JsonProcessingException e) {
            throw new InvalidRequestException(
                    Location.ofField(PATHS), "is not JSON (%s); %s".formatted(JsonReason.of(e), EXPECTED), e);
        }
    }

    /// Splits at commas, except inside braces: `a:{x,y}.safetensors` is one entry.
    static List<String> split(String option, List<String> lists) {
        String list = String.join(",", lists);
        List<String> entries = new ArrayList<>();
        int depth = 0;
        int begin = 0;
        for (int i = 0; i <= list.length(); i++) {
            char c = i < list.length() ? list.charAt(i) : ',';
            depth += c == '{' ? 1 : c == '}' ? -1 : 0;
            if (c == ',' && (depth == 0 || i == list.length())) {
                entries.add(list.substring(begin, i).strip());
                begin = i + 1;
            }
        }
        entries.removeIf(String::isEmpty);
        if (entries.isEmpty()) {
            throw new InvalidRequestException(option, "names no model");
        }
        return entries;
    }

    public boolean isNamed() {
        return modelPaths != null || !originPaths.isEmpty();
    }

    /// Returns the name of the model as the option gives it.
    public String names() {
        return modelPaths == null ? String.join(",", originPaths) : modelPaths;
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
