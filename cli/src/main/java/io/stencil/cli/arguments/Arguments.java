package io.stencil.cli.arguments;

import io.stencil.error.Location;
import io.stencil.files.LocalPath;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/// What the user typed, made ready for picocli: option names as declared, the options of a configuration file
/// added.
///
/// @param words the command line
/// @param configured the places of options that a configuration file gave, by their declared names
public record Arguments(List<String> words, Map<String, Location> configured) {

    public Arguments {
        words = List.copyOf(words);
        configured = Map.copyOf(configured);
    }

    /// @param config name of the option that names a configuration file
    /// @throws io.stencil.error.InvalidFileException when the file is absent or malformed
    /// @throws CommandLine.ParameterException when it has a key that is no option of the command
    public static Arguments of(CommandSpec root, String config, String... typed) {
        Scan scan = new Scan(root, config);
        scan.read(typed);
        Map<String, Location> configured = new HashMap<>();
        if (scan.configFile != null && scan.command != null) {
            Path path = LocalPath.of(Location.ofField(config.substring(2)), scan.configFile);
            scan.words.addAll(scan.commandEnd, added(ConfigFile.read(path), scan.command, scan.given, configured));
        }
        return new Arguments(scan.words, configured);
    }

    /// The words for the options of a file that are not `given` otherwise; their places are put into `configured`.
    private static List<String> added(
            ConfigFile file, CommandSpec command, Set<String> given, Map<String, Location> configured) {
        List<String> words = new ArrayList<>();
        for (ConfigFile.Entry entry : file.entries(command)) {
            if (!given.contains(entry.option())) {
                configured.put(entry.option(), Location.of(file.path(), entry.line()));
                entry.values().forEach(value -> words.add(entry.option() + "=" + value));
            }
        }
        return words;
    }

    /// One pass over the words, which finds the command, the options given to it and the configuration file.
    private static final class Scan {

        private final String config;
        private final CommandSpec root;
        private final List<String> words = new ArrayList<>();
        private final Set<String> given = new HashSet<>();
        private @Nullable CommandSpec command;
        private int commandEnd;
        private @Nullable String configFile;

        Scan(CommandSpec root, String config) {
            this.root = root;
            this.config = config;
        }

        void read(String... typed) {
            for (int i = 0; i < typed.length; i++) {
                String word = typed[i];
                if (word.equals("--")) {
                    words.addAll(List.of(typed).subList(i, typed.length));
                    return;
                }
                CommandSpec reading = command == null ? root : command;
                OptionSpec option = ArgumentNames.option(reading, word);
                words.add(ArgumentNames.declared(reading, word));
                if (option == null) {
                    if (isPassedOn(word)) {
                        words.addAll(List.of(typed).subList(i + 1, typed.length));
                        return;
                    }
                    enter(word);
                    continue;
                }
                int equals = word.indexOf('=');
                String value = equals < 0 ? null : word.substring(equals + 1);
                if (equals < 0 && option.arity().min() > 0 && i + 1 < typed.length) {
                    value = typed[++i];
                    words.add(value);
                }
                given.add(option.longestName());
                if (option.longestName().equals(config)) {
                    configFile = value;
                }
            }
        }

        /// Whether this word begins the command line of another process.
        private boolean isPassedOn(String word) {
            return command != null
                    && !word.startsWith("-")
                    && command.commandLine().isStopAtPositional();
        }

        private void enter(String word) {
            CommandLine subcommand = command == null ? root.subcommands().get(word) : null;
            if (subcommand != null) {
                command = subcommand.getCommandSpec();
                commandEnd = words.size();
            }
        }
    }
}
