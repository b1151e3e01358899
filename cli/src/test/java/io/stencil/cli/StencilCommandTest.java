package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.lab.evaluate.Measures;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

class StencilCommandTest {

    @Test
    void helpListsTheCommands() {
        CommandLineRun run = CommandLineRun.of("--help");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("sample", "Takes one option of every kind.");
        assertThat(run.err()).isEmpty();
    }

    @Test
    void everyCommandHasTheOptionsOfTheRoot() {
        CommandLineRun run = CommandLineRun.of("sample", "--help");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("stencil sample", "--config=FILE", "--debug", "--num_inference_steps");
    }

    @Test
    void versionIsTheOneOfThePom() {
        CommandLineRun run = CommandLineRun.of("--version");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out().strip()).isEqualTo(StencilCommand.version());
        assertThat(StencilCommand.version()).matches("stencil \\d+\\.\\d+\\.\\d+(-SNAPSHOT)?");
    }

    /// Names of all commands, as in the text of the root's help.
    private static final String COMMANDS =
            "generate, serve, train, validate, launch, init, inspect, convert, dataset, evaluate, demo, bench,"
                    + " new-template, package, fetch, upload, verify, generate-completion, help, sample";

    @Test
    void noCommandShowsTheHelpAndIsWrongUsage() {
        CommandLineRun run = CommandLineRun.of();

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err())
                .startsWith(CommandLineRun.of("--help").out())
                .endsWith("stencil: Missing required subcommand; try 'stencil --help'\n");
    }

    @Test
    void theHelpWithoutACommandKeepsItsColours() {
        StringWriter err = new StringWriter();
        CommandLine root = StencilCommand.commandLine()
                .setErr(new PrintWriter(err, true))
                .setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.ON));

        assertThat(StencilCommand.run(root)).isEqualTo(2);
        assertThat(err.toString()).contains("\u001b[1mstencil").doesNotContain("\\u001b");
    }

    @Test
    void anUnknownCommandIsToldWithItsNeighbourAndAllCommands() {
        CommandLineRun run = CommandLineRun.of("trian", "--prompt", "a leaf");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err())
                .isEqualTo("stencil: unknown command 'trian'; did you mean 'train'? Commands: " + COMMANDS
                        + "; try 'stencil --help'\n");
        assertThat(CommandLineRun.of("xyzzy").err())
                .startsWith("stencil: unknown command 'xyzzy'. Commands: " + COMMANDS);
    }

    @Test
    void helpIsACommandToo() {
        assertThat(CommandLineRun.of("help").out())
                .isEqualTo(CommandLineRun.of("--help").out());
        assertThat(CommandLineRun.of("help", "train").out())
                .isEqualTo(CommandLineRun.of("train", "--help").out())
                .contains("--max_steps");
        CommandLineRun unknown = CommandLineRun.of("help", "trian");
        assertThat(unknown.exitCode()).isEqualTo(2);
        assertThat(unknown.err()).startsWith("stencil: unknown command 'trian'; did you mean 'train'?");
    }

    @Test
    void theHelpOfEvaluateListsTheMeasurements() {
        assertThat(CommandLineRun.of("evaluate", "--help").out().replaceAll("\\s+", " "))
                .contains(String.join(", ", Measures.names()));
    }

    @Test
    void anUnknownOptionIsToldBeforeAMissingOne() {
        CommandLineRun run = CommandLineRun.of("train", "--dataset_metadata_paht", "m.jsonl");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err())
                .isEqualTo("stencil: Unknown option: '--dataset_metadata_paht'; did you mean"
                        + " '--dataset_metadata_path'? Try 'stencil train --help'\n");
        assertThat(CommandLineRun.of("train", "--max_steps", "1").err()).startsWith("stencil: Missing required option");
    }

    @Test
    void anUnexpectedWordIsToldBeforeAMissingOption() {
        assertThat(CommandLineRun.of("train", "--max_steps", "1", "2").err())
                .isEqualTo("stencil: unexpected argument '2'; try 'stencil train --help'\n");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    ~/out                 | only the shell replaces '~'
                    https://example.org/x | it is a URL: download the file
                    C:\\out             | it is a path of Windows
                    """)
    void aPathThatIsNoneOfThisSystemIsToldWithARemedy(String path, String remedy) {
        CommandLineRun run = CommandLineRun.of("init", "--output_path=" + path);

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("--output_path", "'" + path + "' is not a local path", remedy);
    }

    @Test
    void whatUntrustedTextsPrintIsEscaped() {
        CommandLineRun run = CommandLineRun.of("sample", "--fail", "text");

        assertThat(run.out())
                .isEqualTo("name \\u001b[31m\\u009bx\\u202e\\u200b\\nforged: line\\r end\n\u00e9 \ud83c\udf0d\tok\n");
        assertThat(run.err()).isEqualTo("stencil: a\\u001b]0;x\\u0007: 'b\\nstencil: forged': c\\rd\n");
        assertThat(CommandLineRun.of("sample", "--fail", "text", "--debug").err())
                .contains("at io.stencil.cli", "Caused by: ")
                .doesNotContain("\u001b");
        assertThat(CommandLineRun.of("sample", "--no\u001b[31m").err()).doesNotContain("\u001b");
    }

    @Test
    void anUnknownOptionIsWrongUsage() {
        CommandLineRun run = CommandLineRun.of("sample", "--promt", "a leaf");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.err())
                .startsWith("stencil: Unknown option")
                .contains("'--promt'", "--prompt")
                .endsWith("? Try 'stencil sample --help'\n");
    }

    @Test
    void aFaultOfTheInputIsOneLine() {
        CommandLineRun run = CommandLineRun.of("sample", "--fail", "request");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).isEqualTo("stencil: 'height': must be a multiple of 16, found 17\n");
    }

    @Test
    void aDefectIsToldWithItsKind() {
        CommandLineRun run = CommandLineRun.of("sample", "--fail", "defect");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err())
                .isEqualTo("stencil: unexpected java.lang.IllegalStateException: no enclosing scope;"
                        + " run with --debug for the trace\n");
    }

    @Test
    void aNativeFaultIsOneLineWithoutItsTrace() {
        CommandLineRun run = CommandLineRun.of("sample", "--fail", "native");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err())
                .isEqualTo("stencil: unexpected java.lang.RuntimeException: mat1 and mat2 shapes cannot be multiplied"
                        + " (2x3 and 4x5); run with --debug for the trace\n");
        assertThat(CommandLineRun.of("sample", "--fail", "native", "--debug").err())
                .contains("frame #0: c10::Error", "at io.stencil.cli");
    }

    @Test
    void memoryThatTheSystemDoesNotHaveIsTold() {
        CommandLineRun run = CommandLineRun.of("sample", "--fail", "allocation");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.err())
                .startsWith("stencil: out of memory (")
                .contains("tried to allocate 9 bytes", "make images or batches smaller");
    }

    static Stream<Arguments> errors() {
        return Stream.of(
                Arguments.of(new OutOfMemoryError("Java heap space"), "out of memory (Java heap space): make images"),
                Arguments.of(new StackOverflowError(), "the stack is full: something is nested too deeply"),
                Arguments.of(
                        new NoClassDefFoundError("org/Absent"),
                        "a library or class cannot be loaded (NoClassDefFoundError: org/Absent)"),
                Arguments.of(
                        new UnsatisfiedLinkError("no jnitorch\nin java.library.path"),
                        "a library or class cannot be loaded (UnsatisfiedLinkError: no jnitorch in java.library.path)"),
                Arguments.of(
                        new ExceptionInInitializerError(new IllegalStateException("no setting")),
                        "a library or class cannot be loaded (ExceptionInInitializerError: "
                                + "java.lang.IllegalStateException: no setting)"),
                Arguments.of(new AssertionError("odd"), "unexpected java.lang.AssertionError: odd"));
    }

    @Test
    void aFailedReadOrWriteIsToldInTheWordsOfTheSystem() {
        IOException full = new FileSystemException("/out", null, "No space left on device");

        assertThat(ErrorPrinter.text(full)).isEqualTo("reading or writing failed: No space left on device (/out)");
        assertThat(ErrorPrinter.text(new UncheckedIOException(full))).isEqualTo(ErrorPrinter.text(full));
    }

    @ParameterizedTest
    @MethodSource
    void errors(Error fault, String told) {
        CommandLineRun run = CommandLineRun.throwing(fault);

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.err()).startsWith("stencil: " + told).endsWith("; run with --debug for the trace\n");
    }

    @Test
    void debugPrintsTheTraceOnEitherSideOfTheCommand() {
        CommandLineRun before = CommandLineRun.of("--debug", "sample", "--fail", "request");
        CommandLineRun after = CommandLineRun.of("sample", "--fail", "defect", "--debug");

        assertThat(before.err()).contains("InvalidRequestException", "at io.stencil.cli");
        assertThat(after.err()).contains("IllegalStateException", "at io.stencil.cli");
    }

    @Test
    void aWordThatBeginsWithAtIsNotAFile() {
        CommandLineRun run = CommandLineRun.of("sample", "--prompt", "@pom.xml");

        assertThat(run.exitCode()).isZero();
        assertThat(run.sample().prompt).isEqualTo("@pom.xml");
    }

    @Test
    void theCompletionScriptKnowsCommandsAndOptions() {
        CommandLineRun run = CommandLineRun.of("generate-completion");

        assertThat(run.exitCode()).isZero();
        assertThat(run.err()).isEmpty();
        assertThat(run.out())
                .startsWith("#!/usr/bin/env bash")
                .contains("complete -F _complete_stencil", "'--num_inference_steps'", "--template_model_id_or_path");
    }
}
