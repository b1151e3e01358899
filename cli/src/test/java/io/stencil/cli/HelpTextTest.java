package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

class HelpTextTest {

    private static Stream<CommandLine> commands() {
        return withSubcommands(StencilCommand.commandLine());
    }

    private static Stream<CommandLine> withSubcommands(CommandLine command) {
        return Stream.concat(
                Stream.of(command), command.getSubcommands().values().stream().flatMap(HelpTextTest::withSubcommands));
    }

    @ParameterizedTest
    @MethodSource("commands")
    void linesBreakBetweenWords(CommandLine command) {
        String help = oneLine(command.getUsageMessage(Ansi.OFF));
        String usage =
                help.substring(0, help.indexOf(" " + oneLine(command.getHelp().description())));

        assertThat(help).contains(oneLine(command.getHelp().description()));
        for (ArgSpec argument : command.getCommandSpec().args()) {
            if (!argument.hidden()) {
                assertThat(help).contains(label(command, argument));
                assertThat(usage).contains(shortestLabel(command, argument));
                for (String paragraph : argument.description()) {
                    assertThat(help).contains(oneLine(paragraph));
                }
            }
        }
        command.getSubcommands()
                .forEach((name, subcommand) -> assertThat(help)
                        .contains(name + " "
                                + oneLine(subcommand
                                        .getCommandSpec()
                                        .usageMessage()
                                        .description()[0])));
    }

    @ParameterizedTest
    @MethodSource("commands")
    void theUsageLineNamesEachOptionOnce(CommandLine command) {
        String usage = command.getHelp().synopsis(7);

        for (OptionSpec option : command.getCommandSpec().options()) {
            if (!option.hidden() && option.arity().max() > 0) {
                assertThat(usage).containsOnlyOnce(option.shortestName() + "=");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("commands")
    void linesFitTheWidth(CommandLine command) {
        assertThat(command.getUsageMessage(Ansi.OFF).lines())
                .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(100));
    }

    @Test
    void aListIsMarkedAsRepeatable() {
        assertThat(oneLine(CommandLineRun.of("train", "--help").out()))
                .contains(" [--trainable_models=NAMES[,NAMES...]]... ", "[--task=sft|sft:data_process|sft:train|vae]");
    }

    @Test
    void followingLinesAreIndented() {
        assertThat(CommandLineRun.of("fetch", "--help").out()).contains("""
                      --model_base_path=DIR Where fetched models lie. Default: $DIFFSYNTH_MODEL_BASE_PATH, or
                                              ~/.cache/stencil/models.
                """);
    }

    private static String label(CommandLine command, ArgSpec argument) {
        return (argument instanceof OptionSpec option ? option.longestName() : "") + parameter(command, argument);
    }

    private static String shortestLabel(CommandLine command, ArgSpec argument) {
        if (argument instanceof OptionSpec option) {
            boolean clustered =
                    option.arity().max() == 0 && option.shortestName().length() == 2;
            return (clustered ? option.shortestName().substring(1) : option.shortestName())
                    + parameter(command, argument);
        }
        return parameter(command, argument);
    }

    private static String parameter(CommandLine command, ArgSpec argument) {
        Help help = command.getHelp();
        return help.parameterLabelRenderer()
                .renderParameterLabel(argument, Ansi.OFF, List.of())
                .toString()
                .strip();
    }

    private static String oneLine(String text) {
        return text.replace("%%", "%").strip().replaceAll("\\s+", " ");
    }
}
