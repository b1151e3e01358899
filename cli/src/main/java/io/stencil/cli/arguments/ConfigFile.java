package io.stencil.cli.arguments;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/// A YAML or JSON file of options: one object whose keys are option names without the dashes, in either spelling.
///
/// A list gives a repeatable option once for each element; any other list, and an object, is passed on as JSON
/// text. Paths in it are seen from the working directory, as on the command line.
final class ConfigFile {

    /// An option by its declared name, and the texts that the command line would hold for it.
    record Entry(String option, List<String> values) {}

    private final Path path;
    private final JsonNode content;

    private ConfigFile(Path path, JsonNode content) {
        this.path = path;
        this.content = content;
    }

    Path path() {
        return path;
    }

    /// Reads `.json` as JSON and every other name as YAML.
    ///
    /// @throws InvalidFileException when the file is absent, unreadable, not one object, or has a key twice
    static ConfigFile read(Path path) {
        boolean json = path.toString().endsWith(".json");
        if (!Files.isRegularFile(path)) {
            throw new InvalidFileException(path, "no such file; --config must name a YAML or JSON file");
        }
        try {
            JsonNode content = (json ? jsonMapper() : yamlMapper()).readTree(path.toFile());
            if (content instanceof ObjectNode || content.isMissingNode() || content.isNull()) {
                return new ConfigFile(path, content);
            }
            throw new InvalidFileException(path, "must hold options as 'name: value', found a " + kind(content));
        } catch (JsonProcessingException fault) {
            int line = fault.getLocation() == null ? 1 : fault.getLocation().getLineNr();
            String reason = fault.getOriginalMessage().lines().findFirst().orElse("");
            String message = "is not valid %s: %s".formatted(json ? "JSON" : "YAML", reason);
            throw new InvalidFileException(Location.of(path, line), message, fault);
        } catch (IOException fault) {
            throw new InvalidFileException(Location.of(path), "cannot be read: " + fault.getMessage(), fault);
        }
    }

    /// The file's options of `command`, in the file's order.
    ///
    /// @throws ParameterException when a key is no option of the command, comes in two spellings, or has no value
    List<Entry> entries(CommandSpec command) {
        List<Entry> entries = new ArrayList<>();
        for (Map.Entry<String, JsonNode> field : content.properties()) {
            String key = field.getKey();
            OptionSpec option = ArgumentNames.option(command, "--" + key);
            if (option == null || option.usageHelp() || option.versionHelp() || option.inherited()) {
                throw fault(
                        command, key, "is no option of '%s', which has %s".formatted(command.name(), names(command)));
            }
            String name = option.longestName();
            if (entries.stream().anyMatch(entry -> entry.option().equals(name))) {
                throw fault(command, key, "is given twice, in two spellings; remove one");
            }
            if (field.getValue().isNull()) {
                throw fault(command, key, "has no value; give one or remove the key");
            }
            entries.add(new Entry(name, values(option, field.getValue())));
        }
        return entries;
    }

    private ParameterException fault(CommandSpec command, String key, String what) {
        return new ParameterException(command.commandLine(), Location.of(path).field(key) + ": " + what);
    }

    private static List<String> values(OptionSpec option, JsonNode value) {
        if (!option.isMultiValue() || !value.isArray()) {
            return List.of(text(value));
        }
        List<String> texts = new ArrayList<>();
        value.forEach(element -> texts.add(text(element)));
        return texts;
    }

    private static String text(JsonNode value) {
        return value.isValueNode() ? value.asText() : value.toString();
    }

    private static String names(CommandSpec command) {
        return NameList.of(command.options().stream()
                .filter(option -> !option.inherited() && !option.usageHelp() && !option.versionHelp())
                .map(option -> option.longestName().substring(2))
                .toList());
    }

    private static String kind(JsonNode node) {
        return node.isArray() ? "list" : "single value";
    }

    private static ObjectMapper jsonMapper() {
        return JsonMapper.builder()
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .build();
    }

    private static ObjectMapper yamlMapper() {
        return YAMLMapper.builder()
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .build();
    }
}
