package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.cli.options.Arguments;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

class ArgumentNamesTest {

    private static final CommandSpec COMMAND = CommandSpec.create()
            .addOption(OptionSpec.builder("-n", "--num_inference_steps")
                    .type(int.class)
                    .build())
            .addOption(OptionSpec.builder("--dry-run").build());

    @ParameterizedTest
    @CsvSource({
        "--num-inference-steps, --num_inference_steps",
        "--num_inference-steps, --num_inference_steps",
        "--num_inference_steps, --num_inference_steps",
        "--num-inference-steps=4-2, --num_inference_steps=4-2",
        "--dry_run, --dry-run",
        "--dry-run, --dry-run",
        "-n, -n",
        "--no-such-option, --no-such-option",
        "num-inference-steps, num-inference-steps",
    })
    void takesTheDeclaredSpelling(String typed, String declared) {
        assertThat(Arguments.declared(COMMAND, typed)).isEqualTo(declared);
    }

    @Test
    void bothSpellingsReachTheCommand() {
        assertThat(CommandLineRun.of("sample", "--num-inference-steps", "4").sample().steps)
                .isEqualTo(4);
        assertThat(CommandLineRun.of("sample", "--num_inference_steps=5").sample().steps)
                .isEqualTo(5);
    }

    @Test
    void aValueKeepsItsSpelling() {
        CommandLineRun run = CommandLineRun.of("sample", "--prompt", "lazy-loading --lazy-loading");

        assertThat(run.sample().prompt).isEqualTo("lazy-loading --lazy-loading");
        assertThat(run.sample().lazyLoading).isFalse();
    }
}
