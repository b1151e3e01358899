package io.stencil.cli.terminal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Ansi.Text;
import picocli.CommandLine.Help.Column.Overflow;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/// Formats the help of a command with line breaks at spaces only.
///
/// The breaks of picocli follow `BreakIterator`, which splits values to be typed, such as `sft:train` and paths. The
/// usage line names a required option with several values once.
public final class WordWrappedHelp extends Help {

    private static final Pattern REPEATED = Pattern.compile("(\\S+) \\[\\1\\]\\.\\.\\.");

    /// @param command the described command
    /// @param colours styles of names and labels
    public WordWrappedHelp(CommandSpec command, ColorScheme colours) {
        super(command, colours);
    }

    @Override
    public String description(Object... values) {
        TextTable table = table(new Column(width(), 0, Overflow.TRUNCATE));
        table.indentWrappedLines = 0;
        for (String paragraph : commandSpec().usageMessage().description()) {
            addRow(table, colorScheme().text(String.format(Locale.ROOT, paragraph, values)));
        }
        return table.toString();
    }

    @Override
    public String commandList(Map<String, Help> commands) {
        int names = commands.keySet().stream().mapToInt(String::length).max().orElse(0) + 2;
        TextTable table = table(new Column(names, 2, Overflow.SPAN), new Column(width() - names, 2, Overflow.TRUNCATE));
        for (Help command : commands.values()) {
            String[] description = command.commandSpec().usageMessage().description();
            String summary = description.length == 0 ? "" : String.format(Locale.ROOT, description[0]);
            addRow(table, command.commandNamesText(", "), colorScheme().text(summary));
        }
        return table.toString();
    }

    @Override
    public Layout createDefaultLayout(
            List<OptionSpec> options, List<PositionalParamSpec> positionals, ColorScheme colours) {
        Layout layout = super.createDefaultLayout(options, positionals, colours);
        Column[] columns = layout.textTable().columns().clone();
        Column last = columns[columns.length - 1];
        columns[columns.length - 1] = new Column(last.width, last.indent, Overflow.TRUNCATE);
        return new Layout(colours, table(columns), layout.optionRenderer(), layout.parameterRenderer()) {
            @Override
            public void layout(ArgSpec argument, Text[][] rows) {
                for (Text[] row : rows) {
                    addRow(table, row);
                }
            }
        };
    }

    @Override
    protected String insertSynopsisCommandName(int headingLength, Text arguments) {
        String name = commandSpec().qualifiedName();
        TextTable table = table(new Column(width(), 0, Overflow.TRUNCATE));
        table.indentWrappedLines = headingLength + name.length() + 1;
        Text heading = colorScheme().text("X".repeat(headingLength)); // the caller prints it before this line
        addRow(table, heading.concat(colorScheme().commandText(name)).concat(withoutRepetitions(arguments)));
        return table.toString().substring(headingLength);
    }

    /// Replaces `--x=N [--x=N]...` by `--x=N...`.
    private static Text withoutRepetitions(Text arguments) {
        Text text = arguments;
        for (Matcher repeated = REPEATED.matcher(text.plainString());
                repeated.find();
                repeated = REPEATED.matcher(text.plainString())) {
            text = text.substring(0, repeated.end(1)).concat("...").concat(text.substring(repeated.end()));
        }
        return text;
    }

    /// Builds a table that breaks no lines: picocli's own breaking loads the JDK's rules of all languages.
    private TextTable table(Column... columns) {
        return TextTable.forColumns(colorScheme(), columns);
    }

    /// Adds a row whose last value wraps within the last column.
    private void addRow(TextTable table, Text... values) {
        int last = values.length - 1;
        Column column = table.columns()[last];
        Text[] row = values.clone();
        for (Text line : wrap(values[last], column.width - column.indent, table.indentWrappedLines)) {
            row[last] = line;
            table.addRowValues(row);
            Arrays.fill(row, colorScheme().text(""));
        }
    }

    /// @param width columns of a line, its indent included
    /// @param indent spaces before each line but the first
    private List<Text> wrap(Text text, int width, int indent) {
        List<Text> lines = new ArrayList<>();
        String margin = " ".repeat(indent);
        String plain = text.plainString();
        int from = 0;
        int room = width;
        while (plain.length() - from > room) {
            int space = plain.lastIndexOf(' ', from + room);
            int end = space > from ? space : from + room;
            lines.add(colorScheme().text(from == 0 ? "" : margin).concat(text.substring(from, end)));
            from = space > from ? end + 1 : end;
            room = width - indent;
        }
        lines.add(colorScheme().text(from == 0 ? "" : margin).concat(text.substring(from)));
        return lines;
    }

    private int width() {
        return commandSpec().usageMessage().width();
    }
}
