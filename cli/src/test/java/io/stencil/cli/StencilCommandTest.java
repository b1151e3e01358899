package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

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
        assertThat(run.out().strip()).isEqualTo("stencil " + StencilVersion.number());
        assertThat(StencilVersion.number()).matches("\\d+\\.\\d+\\.\\d+(-SNAPSHOT)?");
    }

    @Test
    void noCommandIsWrongUsage() {
        CommandLineRun run = CommandLineRun.of();

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).isEqualTo("stencil: Missing required subcommand; try 'stencil --help'\n");
    }

    @Test
    void anUnknownCommandIsWrongUsage() {
        CommandLineRun run = CommandLineRun.of("sampel", "--prompt", "a leaf");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err())
                .isEqualTo("stencil: no command 'sampel', there are: generate, train, launch, init, inspect, "
                        + "dataset, evaluate, demo, bench, new-template, ... and 5 more; try 'stencil --help'\n");
    }

    @Test
    void anUnknownOptionIsWrongUsage() {
        CommandLineRun run = CommandLineRun.of("sample", "--promt", "a leaf");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.err())
                .startsWith("stencil: Unknown option")
                .contains("'--promt'", "--prompt")
                .endsWith("; try 'stencil sample --help'\n");
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
                .contains("tried to allocate 9 bytes", "make pictures or batches smaller");
    }

    static Stream<Arguments> errors() {
        return Stream.of(
                Arguments.of(new OutOfMemoryError("Java heap space"), "out of memory (Java heap space): make pictures"),
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
}
