package io.stencil.cli;

import io.stencil.train.options.DeclaredOption;
import io.stencil.train.options.OptionSchema;
import io.stencil.train.options.TrainingOption;
import java.util.List;

/// Formats declared options as the rows of a Markdown table: name, default, effect.
final class OptionTable {

    private OptionTable() {}

    /// A row for each option that the help shows, in the order of the declarations.
    static List<String> rows(OptionSchema<?> schema) {
        return schema.options().stream()
                .filter(option -> !option.declaration().hidden())
                .map(option ->
                        "| `--%s` | %s | %s |".formatted(option.name(), value(option), effect(option.declaration())))
                .toList();
    }

    private static String value(DeclaredOption option) {
        TrainingOption declaration = option.declaration();
        if (!declaration.unset().isEmpty()) {
            return declaration.unset().replaceAll("--\\w+", "`$0`");
        }
        if (declaration.byDefault().isEmpty()) {
            return option.isSwitch() ? "off" : "–";
        }
        return Number.class.isAssignableFrom(option.type())
                ? declaration.byDefault()
                : "`" + declaration.byDefault() + "`";
    }

    private static String effect(TrainingOption declaration) {
        return declaration.docs().isEmpty() ? declaration.help() : declaration.docs();
    }
}
