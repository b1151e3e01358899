package io.stencil.cli.arguments;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/// What the user typed, made ready for picocli: option names as declared, the options of a configuration file
/// added.
///
/// @param words the command line
/// @param origin which options a configuration file gave; null without one
public record Arguments(List<String> words, @Nullable Origin origin) {

    /// The options that `file` gave, by their declared names.
    public record Origin(Path file, Set<String> options) {}

    public Arguments {
        words = List.copyOf(words);
    }

    /// @param config name of the option that names a configuration file
    /// @throws io.stencil.error.InvalidFileException when the file is absent or malformed
    /// @throws CommandLine.ParameterException when it has a key that is no option of the command
    public static Arguments of(CommandSpec root, String config, String... typed) {
        Scan scan = new Scan(root, config);
        scan.read(typed);
        if (scan.configFile == null || scan.command == null) {
            return new Arguments(scan.words, null);
        }
        ConfigFile file = ConfigFile.read(Path.of(scan.configFile));
        List<ConfigFile.Entry> entries = file.entries(scan.command);
        entries.removeIf(entry -> scan.given.contains(entry.option()));
        Set<String> options = new HashSet<>();
        List<String> added = new ArrayList<>();
        for (ConfigFile.Entry entry : entries) {
            options.add(entry.option());
            entry.values().forEach(value -> added.add(entry.option() + "=" + value));
        }
        scan.words.addAll(scan.commandEnd, added);
        return new Arguments(scan.words, new Origin(file.path(), options));
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
