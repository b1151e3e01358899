package io.stencil.cli;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// One run of the command line with the command `sample` in it: exit code, both outputs, the options that arrived.
record CommandLineRun(int exitCode, String out, String err, Sample sample) {

    static CommandLineRun of(String... words) {
        return of(new Sample(), words);
    }

    /// A run whose command ends with this fault.
    static CommandLineRun throwing(Error fault) {
        Sample sample = new Sample();
        sample.thrown = fault;
        return of(sample, "sample");
    }

    private static CommandLineRun of(Sample sample, String... words) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine root = StencilCommand.commandLine()
                .addSubcommand(sample)
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true));
        int exitCode = StencilCommand.run(root, words);
        return new CommandLineRun(exitCode, out.toString(), err.toString(), sample);
    }

    /// A command with an option of every kind.
    @Command(name = "sample", description = "Takes one option of every kind.")
    static final class Sample implements Callable<Integer> {

        @Option(names = "--prompt")
        @Nullable
        String prompt;

        @Option(names = "--num_inference_steps")
        int steps = 30;

        @Option(names = "--learning_rate")
        double learningRate;

        @Option(names = "--edit_image")
        List<String> editImages = new ArrayList<>();

        @Option(names = "--extra_inputs", split = ",")
        List<String> extraInputs = new ArrayList<>();

        @Option(names = "--model_paths", paramLabel = "JSON")
        @Nullable
        String modelPaths;

        @Option(names = "--template_inputs", paramLabel = "JSON")
        @Nullable
        String templateInputs;

        @Option(names = "--lazy_loading")
        boolean lazyLoading;

        @Option(names = "--dataset_shuffle", arity = "0..1", fallbackValue = "true")
        boolean datasetShuffle = true;

        @Option(names = "--fail")
        @Nullable
        String failure;

        @Nullable
        Error thrown;

        @Spec
        @Nullable
        CommandSpec spec;

        @Override
        public Integer call() {
            if ("request".equals(failure)) {
                throw new InvalidRequestException("height", "must be a multiple of 16, found 17");
            }
            if ("native".equals(failure)) {
                throw new RuntimeException(
                        "\nmat1 and mat2 shapes cannot be multiplied\n(2x3 and 4x5)\nException raised from meta at "
                                + "/pytorch/LinearAlgebra.cpp:194 (most recent call first):\nframe #0: c10::Error");
            }
            if ("allocation".equals(failure)) {
                throw new RuntimeException(
                        "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: "
                                + "you tried to allocate 9 bytes. Error code 12 (Cannot allocate memory)\n");
            }
            if ("text".equals(failure)) {
                PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
                out.println("name \u001b[31m\u009bx\u202e\u200b\nforged: line\r end");
                out.print("\u00e9 \ud83c\udf0d");
                out.println("\tok");
                throw new InvalidFileException(
                        new Location("a\u001b]0;x\u0007", null, "b\nstencil: forged"),
                        "c\rd",
                        new IllegalStateException("\u001b[31m"));
            }
            if ("defect".equals(failure)) {
                throw new IllegalStateException("no enclosing scope");
            }
            if (thrown != null) {
                throw thrown;
            }
            return 0;
        }
    }
}
