package io.stencil.cli.arguments;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/// Option names in either spelling: `--edit_image` and `--edit-image` are the same option.
public final class ArgumentNames {

    private ArgumentNames() {}

    /// `word` with its option name as `command` declares it; a word that names none of its options stays as it is.
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
}
