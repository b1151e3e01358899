package io.stencil.cli.options;

import io.stencil.cli.models.RecordedOptions;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.files.LocalPath;
import io.stencil.train.options.TrainingArguments;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/// Command line for picocli: option names as declared, and the options of a configuration file added.
///
/// @param words the command line
/// @param configured the places of options that a configuration file gave, by their declared names
public record Arguments(List<String> words, Map<String, Location> configured) {

    public Arguments {
        words = List.copyOf(words);
        configured = Map.copyOf(configured);
    }

    /// Options that say the same in two ways: one that is given takes the place of the other in a file.
    private static final List<Set<String>> ALTERNATIVES = List.of(
            Set.of("--max_steps", "--num_epochs"),
            Set.of("--model_paths", "--model_id_with_origin_paths"),
            Set.of("--activation_memory", "--use_gradient_checkpointing"),
            Set.of("--validation_split", "--validation_metadata_path", "--validation_base_path"));

    /// Names a configuration file.
    private static final String CONFIG = "--config";

    /// Names the folder of a run, whose options hold where nothing else gives them.
    private static final String RESUME = "--resume";

    /// Name what a run trains; one of them is needed.
    private static final List<String> TRAINED = List.of("--trainable_models", "--lora_base_model");

    /// Not taken from the options of a run, as its folder may have been moved.
    private static final String PLACE = "--output_path";

    /// Measures a checkpoint, with the options of the run that it lies in.
    private static final String MEASURING = "validate";

    private static final String CHECKPOINT = "--resume_from_checkpoint";

    /// @throws io.stencil.error.InvalidFileException when the file is absent or malformed
    /// @throws CommandLine.ParameterException when it has a key that is no option of the command
    public static Arguments of(CommandSpec root, String... typed) {
        Scan scan = new Scan(root);
        scan.read(typed);
        Map<String, Location> configured = new HashMap<>();
        CommandSpec command = scan.command;
        List<String> added = new ArrayList<>();
        if (scan.configFile != null && command != null) {
            Path path = path(CONFIG, scan.configFile);
            added.addAll(added(ConfigFile.read(path), command, scan.given, configured));
        }
        String image = value(RecordedOptions.OPTION, added, scan.image);
        if (image != null && command != null && command.findOption(RecordedOptions.OPTION) != null) {
            Set<String> given = new HashSet<>(scan.given);
            given.addAll(configured.keySet());
            added.addAll(recorded(path(RecordedOptions.OPTION, image), given, configured));
        }
        String run = value(RESUME, added, scan.run);
        if (run != null && command != null && command.findOption(RESUME) != null) {
            Path folder = path(RESUME, run);
            Path path = folder.resolve(TrainingArguments.FILE_NAME);
            if (!Files.isRegularFile(path)) {
                requireWhole(scan.given, configured.keySet(), folder);
            } else {
                Set<String> given = new HashSet<>(scan.given);
                given.addAll(configured.keySet());
                given.add(PLACE);
                added.addAll(added(ConfigFile.read(path), command, given, configured));
            }
        }
        if (command != null && command.name().equals(MEASURING) && scan.operand != null) {
            Set<String> given = new HashSet<>(scan.given);
            given.addAll(configured.keySet());
            given.addAll(List.of(PLACE, CHECKPOINT));
            Path options = optionsOfRun(LocalPath.of(Location.ofField("CHECKPOINT"), scan.operand));
            if (options != null) {
                added.addAll(added(ConfigFile.read(options), command, given, configured));
            }
        }
        scan.words.addAll(scan.commandEnd, added);
        return new Arguments(scan.words, configured);
    }

    /// The value of an option: that of a file, which has none where one is typed, or the typed one.
    private static @Nullable String value(String option, List<String> added, @Nullable String typed) {
        String prefix = option + "=";
        return added.stream()
                .filter(word -> word.startsWith(prefix))
                .findFirst()
                .map(word -> word.substring(prefix.length()))
                .orElse(typed);
    }

    /// Finds the options of the run that a checkpoint lies in, or null.
    private static @Nullable Path optionsOfRun(Path checkpoint) {
        Path folder = checkpoint.toAbsolutePath().normalize();
        for (int level = 0; level < 3 && folder != null; level++) { // the run, or a checkpoint in it or in its folder
            Path options = folder.resolve(TrainingArguments.FILE_NAME);
            if (Files.isRegularFile(options)) {
                return options;
            }
            folder = folder.getParent();
        }
        return null;
    }

    /// Checks a folder without the options of a run: it must be there, and an option must name what is trained.
    private static void requireWhole(Set<String> typed, Set<String> configured, Path folder) {
        String option = RESUME.substring(2);
        if (!Files.isDirectory(folder)) {
            throw new InvalidRequestException(
                    option,
                    "'%s' %s; name the output folder of a run"
                            .formatted(folder, Files.exists(folder) ? "is not a directory" : "does not exist"));
        }
        if (TRAINED.stream().noneMatch(name -> typed.contains(name) || configured.contains(name))) {
            throw new InvalidRequestException(
                    option,
                    "'%s' is not the output folder of a run: it holds no %s, which has its options; name such a folder, or give %s and the other options of the run"
                            .formatted(folder, TrainingArguments.FILE_NAME, String.join(" or ", TRAINED)));
        }
    }

    /// Replaces the option name in `word` by the declared one: `--edit_image` and `--edit-image` are the same option. A
    /// word that names no option of the command stays.
    public static String declared(CommandSpec command, String word) {
        OptionSpec option = option(command, word);
        if (option == null || command.findOption(name(word)) != null) {
            return word;
        }
        return option.longestName() + word.substring(name(word).length());
    }

    /// The option that `word`, such as `--edit-image` or `--edit-image=a.png`, names in either spelling.
    static @Nullable OptionSpec option(CommandSpec command, String word) {
        String name = name(word);
        OptionSpec exact = command.findOption(name);
        if (exact != null || !name.startsWith("--")) {
            return exact;
        }
        String underscored = underscored(name);
        for (OptionSpec option : command.options()) {
            if (underscored(option.longestName()).equals(underscored)) {
                return option;
            }
        }
        return null;
    }

    private static String name(String word) {
        int equals = word.indexOf('=');
        return equals < 0 ? word : word.substring(0, equals);
    }

    private static String underscored(String longName) {
        return longName.replace('-', '_');
    }

    private static Path path(String option, String text) {
        return LocalPath.of(Location.ofField(option.substring(2)), text);
    }

    /// The words for the options of a file that are not `given` otherwise; their places are put into `configured`.
    private static List<String> added(
            ConfigFile file, CommandSpec command, Set<String> given, Map<String, Location> configured) {
        List<String> words = new ArrayList<>();
        for (ConfigFile.Entry entry : file.entries(command)) {
            if (!isGiven(entry.option(), given)) {
                configured.put(entry.option(), Location.of(file.path(), entry.line()));
                entry.values().forEach(value -> words.add(entry.option() + "=" + value));
            }
        }
        return words;
    }

    /// The words for the options of an image that are not `given` otherwise, after a check of each.
    private static List<String> recorded(Path image, Set<String> given, Map<String, Location> configured) {
        List<String> words = new ArrayList<>();
        for (RecordedOptions.Entry entry : RecordedOptions.read(image)) {
            if (!isGiven(entry.option(), given) && Collections.disjoint(entry.without(), given)) {
                entry.check().run();
                configured.put(entry.option(), Location.of(image));
                entry.values().forEach(value -> words.add(entry.option() + "=" + value));
            }
        }
        return words;
    }

    private static boolean isGiven(String option, Set<String> given) {
        return given.contains(option)
                || ALTERNATIVES.stream().anyMatch(ways -> ways.contains(option) && !Collections.disjoint(ways, given));
    }

    /// One pass over the words, which finds the command, the options given to it and the files with more options.
    private static final class Scan {

        private final CommandSpec root;
        private final List<String> words = new ArrayList<>();
        private final Set<String> given = new HashSet<>();
        private @Nullable CommandSpec command;
        private int commandEnd;
        private @Nullable String configFile;
        private @Nullable String run;
        private @Nullable String image;
        private @Nullable String operand;

        Scan(CommandSpec root) {
            this.root = root;
        }

        void read(String... typed) {
            for (int i = 0; i < typed.length; i++) {
                String word = typed[i];
                if (word.equals("--")) {
                    words.addAll(List.of(typed).subList(i, typed.length));
                    return;
                }
                CommandSpec reading = command == null ? root : command;
                OptionSpec option = option(reading, word);
                words.add(declared(reading, word));
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
                if (option.longestName().equals(CONFIG)) {
                    configFile = value;
                } else if (option.longestName().equals(RESUME)) {
                    run = value;
                } else if (option.longestName().equals(RecordedOptions.OPTION)) {
                    image = value;
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
            } else if (operand == null && !word.startsWith("-")) {
                operand = word;
            }
        }
    }
}
