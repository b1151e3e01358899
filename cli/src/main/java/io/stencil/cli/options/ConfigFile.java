package io.stencil.cli.options;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.error.SimilarNames;
import io.stencil.json.Json;
import io.stencil.json.JsonReason;
import io.stencil.json.TextFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/// A YAML or JSON file of options: one map whose keys are option names without the dashes, in either spelling. A
/// `training_args.json` is one too: the options of its run.
///
/// A value is taken as its text, as on the command line. A list gives a repeatable option once for each element; an
/// option that takes JSON takes lists and maps. Paths in it are relative to the working directory, as on the command
/// line.
final class ConfigFile {

    /// One key of the file.
    ///
    /// @param line of the key, from 1
    record Setting(String key, int line, ConfigValue value) {}

    /// An option by its declared name, the line that gives it, and the texts that the command line would hold for it.
    record Entry(String option, int line, List<String> values) {}

    /// Label of the options that take JSON.
    private static final String JSON_LABEL = "JSON";

    private static final String RUN_VERSION = "stencil_version";
    private static final String RUN_OPTIONS = "options";
    private static final String RESUME = "resume";

    private final Path path;
    private final List<Setting> settings;

    private ConfigFile(Path path, List<Setting> settings) {
        this.path = path;
        this.settings = ofRun(settings);
    }

    Path path() {
        return path;
    }

    /// Reads `.json` as JSON and every other name as YAML.
    ///
    /// @throws InvalidFileException when the file is absent, unreadable, not one map, or has a key twice
    static ConfigFile read(Path path) {
        if (!Files.isRegularFile(path)) {
            throw new InvalidFileException(path, "no such file; --config must name a YAML or JSON file");
        }
        String text = TextFile.read(path);
        boolean json = path.toString().endsWith(".json");
        return new ConfigFile(path, json ? jsonSettings(path, text) : YamlSettings.read(path, text));
    }

    private static List<Setting> jsonSettings(Path path, String text) {
        try (JsonParser parser = Json.MAPPER.createParser(text)) {
            JsonToken first = parser.nextToken();
            if (first == null || first == JsonToken.VALUE_NULL) {
                return List.of();
            }
            if (first != JsonToken.START_OBJECT) {
                String kind = first == JsonToken.START_ARRAY ? "list" : "single value";
                throw new InvalidFileException(
                        Location.of(path, 1), "must hold options as 'name: value', found a " + kind);
            }
            List<Setting> settings = new ArrayList<>();
            for (String key = parser.nextFieldName(); key != null; key = parser.nextFieldName()) {
                int line = parser.currentTokenLocation().getLineNr();
                parser.nextToken();
                settings.add(new Setting(key, line, ConfigValue.of(Json.ONE_OF_MANY.readTree(parser))));
            }
            if (parser.nextToken() != null) {
                throw new InvalidFileException(
                        Location.of(path, parser.currentTokenLocation().getLineNr()),
                        "is not valid JSON: there is more text behind the end of the value");
            }
            return settings;
        } catch (JsonProcessingException fault) {
            throw new InvalidFileException(
                    Location.of(path, JsonReason.line(fault)), "is not valid JSON: " + JsonReason.of(fault), fault);
        } catch (IOException fault) {
            throw new IllegalStateException("a text in memory can always be read", fault);
        }
    }

    /// The options of a run, without the wish to resume, where the settings are those of a `training_args.json`.
    private static List<Setting> ofRun(List<Setting> settings) {
        if (settings.stream().noneMatch(setting -> setting.key().equals(RUN_VERSION))) {
            return settings;
        }
        List<Setting> options = new ArrayList<>();
        for (Setting setting : settings) {
            if (setting.key().equals(RUN_OPTIONS) && setting.value() instanceof ConfigValue.Mapping run) {
                run.fields().forEach((key, value) -> options.add(new Setting(key, setting.line(), value)));
            }
        }
        options.removeIf(setting -> setting.key().equals(RESUME));
        return options;
    }

    /// The file's options of `command`, in the file's order.
    ///
    /// @throws ParameterException when a key is no option of the command, comes in two spellings, or has no value or
    ///     one of the wrong shape
    List<Entry> entries(CommandSpec command) {
        List<Entry> entries = new ArrayList<>();
        for (Setting setting : settings) {
            OptionSpec option = Arguments.option(command, "--" + setting.key());
            if (option == null || option.usageHelp() || option.versionHelp() || option.inherited()) {
                throw fault(
                        command,
                        setting,
                        "is not an option of '%s'%s".formatted(command.name(), near(command, setting)));
            }
            String name = option.longestName();
            if (entries.stream().anyMatch(entry -> entry.option().equals(name))) {
                throw fault(command, setting, "is given twice, in two spellings; remove one");
            }
            entries.add(new Entry(name, setting.line(), values(command, option, setting)));
        }
        return entries;
    }

    private ParameterException fault(CommandSpec command, Setting setting, String what) {
        Location location = Location.of(path, setting.line()).field(setting.key());
        return new ParameterException(command.commandLine(), location + ": " + what);
    }

    private List<String> values(CommandSpec command, OptionSpec option, Setting setting) {
        boolean json = option.paramLabel().equals(JSON_LABEL);
        if (!json && option.isMultiValue() && setting.value() instanceof ConfigValue.Sequence list) {
            List<String> texts = new ArrayList<>();
            list.elements().forEach(element -> texts.add(text(command, setting, element, false)));
            return texts;
        }
        return List.of(text(command, setting, setting.value(), json));
    }

    private String text(CommandSpec command, Setting setting, ConfigValue value, boolean json) {
        if (value.json().isNull()) {
            throw fault(command, setting, "has no value; give one or remove the key");
        }
        if (value instanceof ConfigValue.Single single) {
            return single.text();
        }
        if (!json) {
            throw fault(command, setting, "must be a single value, found a " + value.kind());
        }
        return value.json().toString();
    }

    private static String near(CommandSpec command, Setting setting) {
        List<String> names = command.options().stream()
                .filter(option ->
                        !option.inherited() && !option.usageHelp() && !option.versionHelp() && !option.hidden())
                .map(option -> option.longestName().substring(2))
                .toList();
        String question = SimilarNames.question(setting.key(), names);
        return question.isEmpty() ? ", which has " + NameList.of(names) : question;
    }

    /// A value of a configuration file: a single one, a list or a map.
    sealed interface ConfigValue {

        /// The value for an option that takes JSON.
        JsonNode json();

        /// What the value is, for messages.
        String kind();

        /// A string, a number, a boolean or null.
        ///
        /// @param text as written in the file, without quotes: what the command line would hold
        /// @param json what it is inside JSON
        record Single(String text, JsonNode json) implements ConfigValue {

            @Override
            public String kind() {
                return "single value";
            }
        }

        record Sequence(List<ConfigValue> elements) implements ConfigValue {

            @Override
            public JsonNode json() {
                ArrayNode array = JsonNodeFactory.instance.arrayNode();
                elements.forEach(element -> array.add(element.json()));
                return array;
            }

            @Override
            public String kind() {
                return "list";
            }
        }

        record Mapping(Map<String, ConfigValue> fields) implements ConfigValue {

            @Override
            public JsonNode json() {
                ObjectNode object = JsonNodeFactory.instance.objectNode();
                fields.forEach((key, value) -> object.set(key, value.json()));
                return object;
            }

            @Override
            public String kind() {
                return "map";
            }
        }

        static ConfigValue of(JsonNode node) {
            if (node.isArray()) {
                List<ConfigValue> elements = new ArrayList<>();
                node.forEach(element -> elements.add(of(element)));
                return new Sequence(elements);
            }
            if (node.isObject()) {
                Map<String, ConfigValue> fields = new LinkedHashMap<>();
                node.properties().forEach(field -> fields.put(field.getKey(), of(field.getValue())));
                return new Mapping(fields);
            }
            return new Single(node.asText(), node);
        }
    }
}
