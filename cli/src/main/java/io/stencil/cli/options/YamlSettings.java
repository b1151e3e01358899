package io.stencil.cli.options;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.stencil.cli.options.ConfigFile.ConfigValue;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import java.io.StringReader;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeId;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.representer.Representer;
import org.yaml.snakeyaml.resolver.Resolver;

/// Reads one YAML document with the core schema of YAML 1.2: `010` is ten, `yes` and `1_000` are strings, as on the
/// command line. An alias stands for the value of its anchor.
final class YamlSettings {

    /// Marks scalars whose type follows from their text alone: the parser's own resolver follows YAML 1.1.
    private static final Tag UNTAGGED = new Tag("stencil:untagged");

    private static final Pattern NULL = Pattern.compile("~|null|Null|NULL|");
    private static final Pattern TRUE = Pattern.compile("true|True|TRUE");
    private static final Pattern FALSE = Pattern.compile("false|False|FALSE");
    private static final Pattern INTEGER = Pattern.compile("[-+]?[0-9]+");
    private static final Pattern OCTAL = Pattern.compile("0o[0-7]+");
    private static final Pattern HEXADECIMAL = Pattern.compile("0x[0-9a-fA-F]+");
    private static final Pattern FLOAT =
            Pattern.compile("[-+]?(?:\\.[0-9]+|[0-9]+(?:\\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,4})?");

    /// Aliases multiply: a few lines of them make a document that fills the memory.
    private static final int MOST_VALUES = 100_000;

    private final Path file;
    private final Set<Node> open = Collections.newSetFromMap(new IdentityHashMap<>());
    private int values;

    private YamlSettings(Path file) {
        this.file = file;
    }

    /// The keys and values of the map that `text` holds; none when it is empty.
    ///
    /// @throws InvalidFileException when it is not YAML, not one map, or has a key twice, with the line
    static List<ConfigFile.Setting> read(Path file, String text) {
        @Nullable Node root;
        try {
            root = parser().compose(new StringReader(text));
        } catch (MarkedYAMLException fault) {
            throw new InvalidFileException(
                    Location.of(file, line(fault.getProblemMark())), "is not valid YAML: " + reason(fault), fault);
        } catch (YAMLException fault) {
            throw new InvalidFileException(
                    Location.of(file), "is not valid YAML: " + String.valueOf(fault.getMessage()), fault);
        }
        if (root == null || (root instanceof ScalarNode scalar && isNull(scalar))) {
            return List.of();
        }
        YamlSettings settings = new YamlSettings(file);
        if (root instanceof MappingNode map) {
            return settings.settings(map);
        }
        throw settings.fault(
                root,
                "must hold options as 'name: value', found a "
                        + settings.value(root).kind());
    }

    private List<ConfigFile.Setting> settings(MappingNode map) {
        List<ConfigFile.Setting> settings = new ArrayList<>();
        Set<String> keys = new HashSet<>();
        for (NodeTuple entry : map.getValue()) {
            String key = key(entry.getKeyNode());
            if (!keys.add(key)) {
                throw fault(entry.getKeyNode(), "is not valid YAML: the key '%s' is there twice".formatted(key));
            }
            settings.add(
                    new ConfigFile.Setting(key, line(entry.getKeyNode().getStartMark()), value(entry.getValueNode())));
        }
        return settings;
    }

    private ConfigValue value(Node node) {
        if (++values > MOST_VALUES) {
            throw fault(node, "holds more than %s values, aliases included".formatted(MOST_VALUES));
        }
        if (node instanceof ScalarNode scalar) {
            return new ConfigValue.Single(scalar.getValue(), json(scalar));
        }
        if (!open.add(node)) {
            throw fault(node, "an alias stands for a value that contains it");
        }
        requireTag(node, node instanceof MappingNode ? Tag.MAP : Tag.SEQ);
        ConfigValue value = switch (node) {
            case MappingNode map -> mapping(settings(map));
            case SequenceNode list ->
                new ConfigValue.Sequence(
                        list.getValue().stream().map(this::value).toList());
            default -> throw fault(node, "holds a YAML node that is not a map, list or scalar");
        };
        open.remove(node);
        return value;
    }

    private static ConfigValue mapping(List<ConfigFile.Setting> settings) {
        Map<String, ConfigValue> fields = new LinkedHashMap<>();
        settings.forEach(setting -> fields.put(setting.key(), setting.value()));
        return new ConfigValue.Mapping(fields);
    }

    private String key(Node node) {
        if (!(node instanceof ScalarNode scalar)) {
            throw fault(node, "a key must be a string, found a " + value(node).kind());
        }
        if (isUntagged(scalar) && scalar.getValue().equals("<<")) {
            throw fault(node, "merge keys (<<) are not supported; write the values out, or use an alias for each");
        }
        return scalar.getValue();
    }

    private JsonNode json(ScalarNode scalar) {
        JsonNodeFactory json = JsonNodeFactory.instance;
        String text = scalar.getValue();
        if (!isUntagged(scalar)) {
            requireTag(scalar, Tag.STR);
            return json.textNode(text);
        }
        if (NULL.matcher(text).matches()) {
            return json.nullNode();
        }
        if (TRUE.matcher(text).matches() || FALSE.matcher(text).matches()) {
            return json.booleanNode(TRUE.matcher(text).matches());
        }
        if (INTEGER.matcher(text).matches()) {
            return integer(new BigInteger(text));
        }
        if (OCTAL.matcher(text).matches()) {
            return integer(new BigInteger(text.substring(2), 8));
        }
        if (HEXADECIMAL.matcher(text).matches()) {
            return integer(new BigInteger(text.substring(2), 16));
        }
        return FLOAT.matcher(text).matches()
                ? json.numberNode(new BigDecimal(text).doubleValue())
                : json.textNode(text);
    }

    private static JsonNode integer(BigInteger number) {
        JsonNodeFactory json = JsonNodeFactory.instance;
        return number.bitLength() < Long.SIZE ? json.numberNode(number.longValueExact()) : json.numberNode(number);
    }

    private static boolean isNull(ScalarNode scalar) {
        return isUntagged(scalar) && NULL.matcher(scalar.getValue()).matches();
    }

    /// Returns whether the type follows from the text alone: there are neither quotes nor a tag.
    private static boolean isUntagged(ScalarNode scalar) {
        return scalar.getTag().equals(UNTAGGED);
    }

    private static Yaml parser() {
        LoaderOptions options = new LoaderOptions();
        DumperOptions unused = new DumperOptions();
        Resolver resolver = new Resolver() {
            @Override
            public Tag resolve(NodeId kind, String value, boolean implicit) {
                return kind == NodeId.scalar && implicit ? UNTAGGED : super.resolve(kind, value, implicit);
            }
        };
        return new Yaml(new SafeConstructor(options), new Representer(unused), unused, options, resolver);
    }

    private void requireTag(Node node, Tag expected) {
        if (!node.getTag().equals(expected)) {
            throw fault(node, "the tag '%s' is not supported; remove it".formatted(node.getTag()));
        }
    }

    private InvalidFileException fault(Node node, String what) {
        return new InvalidFileException(Location.of(file, line(node.getStartMark())), what);
    }

    private static int line(@Nullable Mark mark) {
        return mark == null ? 1 : mark.getLine() + 1;
    }

    private static String reason(MarkedYAMLException fault) {
        String problem = String.valueOf(fault.getProblem());
        if (problem.contains("'\\t")) {
            return "a tab cannot begin a value or indent it; use spaces";
        }
        String context = fault.getContext();
        return (context == null ? problem : problem + " " + context)
                .lines()
                .findFirst()
                .orElse("");
    }
}
