package io.stencil.cli;

import io.stencil.cli.models.BaseModelOptions;
import io.stencil.cli.models.BaseModelOptions.BaseModel;
import io.stencil.cli.models.WeightOptions;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.lab.bench.BenchModels;
import io.stencil.lab.bench.BenchReport;
import io.stencil.lab.bench.BenchReport.Measurement;
import io.stencil.lab.bench.Benchmark;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.tensor.DType;
import io.stencil.tensor.ProductSpeed;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `stencil bench`: measures time, speed and memory of the parts of FLUX.2 on this machine, each in a process of
/// its own.
@Command(
        name = BenchCommand.NAME,
        description = {
            "Measure what training, denoising, the VAE and the text encoder take on this machine.",
            "Without a base model at the width of FLUX.2-klein-4B with three blocks, with random weights."
        })
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class BenchCommand implements Callable<Integer> {

    static final String NAME = "bench";

    /// Options that the process of one benchmark does not get.
    private static final Set<String> OWN_OPTIONS = Set.of("--works", "--output_path", "--config");

    @Option(
            names = "--works",
            paramLabel = "LIST",
            split = ",",
            description = "training, training-checkpointed, denoising, vae, text. Default: all.")
    private List<String> works = List.of();

    @Option(names = "--size", paramLabel = "klein|full", hidden = true)
    private String size = "klein";

    @Option(names = "--full_size", description = "All blocks of FLUX.2-klein-4B and all layers that its prompts need.")
    private boolean fullSize;

    @Mixin
    private BaseModelOptions base;

    @Mixin
    private WeightOptions weights;

    @Option(
            names = "--trained_dtype",
            paramLabel = "float32|bfloat16",
            converter = BaseModelOptions.ComputeDtype.class,
            description = "Of the Template's weights. Default: float32.")
    private DType trainedDtype = DType.FLOAT32;

    @Option(names = "--side", paramLabel = "N", description = "Of the image in pixels. Default: 256.")
    private @Nullable Integer side;

    @Option(
            names = "--repeats",
            paramLabel = "N",
            description = "Runs of each work, after a first one that is not counted. Default: ${DEFAULT-VALUE}.")
    private int repeats = 3;

    @Option(names = "--profile", description = "Print where the time of each work goes.")
    private boolean profile;

    @Option(names = "--output_path", paramLabel = "FILE.json", description = "Gets the measurements as JSON.")
    private @Nullable Path output;

    /// Measures in this process, in place of one for each benchmark.
    @Option(names = "--in_process", hidden = true)
    private boolean inProcess;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() {
        List<Benchmark> benchmarks = Benchmark.named(works);
        if (repeats < 1) {
            throw new InvalidRequestException("repeats", "must be at least 1, found " + repeats);
        }
        if (output != null) {
            OutputCheck.requireFile("output_path", output, ".json");
        }
        BenchModels models = models();
        BenchReport report = new BenchReport(how(models), ProductSpeed.machine());
        PrintWriter out = command.commandLine().getOut();
        if (!inProcess) {
            report.heading().forEach(out::println);
        }
        List<Measurement> measurements = new ArrayList<>();
        for (Benchmark benchmark : benchmarks) {
            Measurement measurement = inProcess
                    ? benchmark.measure(models, new Benchmark.Runs(repeats, profile))
                    : Benchmark.measureSeparately(Launcher.java(words(benchmark)));
            measurements.add(measurement);
            if (!inProcess) {
                report.lines(measurement).forEach(out::println);
                out.flush();
            }
        }
        if (output != null) {
            try {
                report.write(output, measurements);
            } catch (IOException e) {
                throw new InvalidFileException(Location.of(output), "cannot be written: " + e, e);
            }
        }
        return 0;
    }

    private BenchModels models() {
        BenchModels.Size shapes = BenchModels.Size.named(fullSize ? "full" : size);
        BaseModel model = base.isNamed() ? base.checkLocal() : null;
        if (model == null) {
            weights.requireUnused();
        } else if (!model.isWhole()) {
            throw new InvalidRequestException(
                    "model_paths",
                    "'%s' is of a hub, and nothing is fetched here; name the folder that stencil fetch writes"
                            .formatted(base.names()));
        }
        return new BenchModels(
                model == null ? null : model.files(),
                side == null ? shapes : shapes.withSide(side),
                model == null ? base.load() : weights.apply(base.load(), model),
                trainedDtype);
    }

    private String how(BenchModels models) {
        String source = base.isNamed()
                ? "weights of " + base.names() + weights
                : "random weights of FLUX.2-klein-4B, " + (fullSize ? "all of it" : "three blocks");
        LoadOptions load = models.load();
        return "%s, in %s, computed in %s; %s runs of each"
                .formatted(source, load.dtype().text(), load.compute().text(), repeats);
    }

    /// Returns this command's words with the options of one benchmark.
    private List<String> words(Benchmark benchmark) {
        List<String> words = new ArrayList<>(List.of(NAME, "--in_process", "--works=" + benchmark.label()));
        for (OptionSpec option : command.commandLine().getParseResult().matchedOptions()) {
            if (!OWN_OPTIONS.contains(option.longestName())) {
                option.stringValues().forEach(value -> words.add(option.longestName() + "=" + value));
            }
        }
        return words;
    }
}
