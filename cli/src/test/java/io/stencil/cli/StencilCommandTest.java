package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

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
                .isEqualTo("stencil: no command 'sampel', there are: generate, train, init, inspect, dataset, demo, "
                        + "new-template, package, fetch, upload, ... and 2 more; try 'stencil --help'\n");
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
