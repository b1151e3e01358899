package io.stencil.cli;

import io.stencil.cli.terminal.ProgressLine;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.lab.demo.Demo;
import io.stencil.train.events.ProgressText;
import io.stencil.train.events.TrainingListener.StepReport;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `stencil demo`: trains a Template on the tiny base model and shows what it does.
@Command(
        name = "demo",
        description = "Paint images, train a Template on them, generate images with it, and write a page about it.")
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class DemoCommand implements Callable<Integer> {

    @Option(names = "--output", paramLabel = "DIR", description = "Gets everything. Default: ${DEFAULT-VALUE}.")
    private Path output = Path.of("demo-output");

    @Option(names = "--seed", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(names = "--images", paramLabel = "N", hidden = true)
    private int images = 400;

    @Option(names = "--steps", paramLabel = "N", hidden = true)
    private int steps = 400;

    @Option(names = "--num_inference_steps", paramLabel = "N", hidden = true)
    private int inferenceSteps = 20;

    @Option(names = "--share", paramLabel = "0..1", hidden = true)
    private double share = 0.2;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() {
        OutputCheck.requireFolder("output", output);
        requirePositive("images", images);
        requirePositive("steps", steps);
        requirePositive("num_inference_steps", inferenceSteps);
        Demo.Plan plan = new Demo.Plan(StencilCommand.checkout(), output, images, steps, inferenceSteps, seed, share);
        PrintWriter out = command.commandLine().getOut();
        try (ProgressLine line = ProgressLine.on(command.commandLine().getErr())) {
            Demo.Result result = new Demo(plan, listener(line)).run();
            line.end();
            out.println(String.format(
                    Locale.ROOT,
                    "correlation of scale and brightness %.3f, validation loss %.3f -> %.3f",
                    result.correlation(),
                    result.validationBefore(),
                    result.validationAfter()));
            out.println("open " + plan.page().toAbsolutePath().normalize().toUri());
            out.flush();
            return 0;
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(output), "cannot be written: " + e, e);
        }
    }

    private static void requirePositive(String option, int value) {
        if (value < 1) {
            throw new InvalidRequestException(option, "must be at least 1, found " + value);
        }
    }

    private Demo.Listener listener(ProgressLine line) {
        PrintWriter err = command.commandLine().getErr();
        ProgressText text = new ProgressText();
        return new Demo.Listener() {
            @Override
            public void onStage(String title) {
                line.end();
                err.println(title);
            }

            @Override
            public void onStep(StepReport report) {
                line.show(text.after(report));
            }
        };
    }
}
