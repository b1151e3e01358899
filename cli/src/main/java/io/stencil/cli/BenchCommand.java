package io.stencil.cli;

import io.stencil.cli.launch.JavaCommand;
import io.stencil.cli.models.BaseModelOptions;
import io.stencil.cli.models.ModelPaths;
import io.stencil.cli.models.RemoteModels;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.hub.download.Snapshot;
import io.stencil.hub.provider.HubReference;
import io.stencil.lab.bench.BenchModels;
import io.stencil.lab.bench.BenchReport;
import io.stencil.lab.bench.BenchReport.Measurement;
import io.stencil.lab.bench.BenchSize;
import io.stencil.lab.bench.Benchmark;
import io.stencil.lab.bench.SeparateProcess;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.template.load.TrustedCode;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.ProductSpeed;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `stencil bench`: measures time, speed and memory of the parts of FLUX.2 on this machine, each in a process of
/// its own.
@Command(
        name = BenchCommand.NAME,
        description = {
            "Measure what training, denoising, the VAE and the text encoder take on this machine.",
            "By default at the width of FLUX.2-klein-4B with three blocks, with random weights."
        })
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class BenchCommand implements Callable<Integer> {

    static final String NAME = "bench";

    /// Rows and columns of the product whose speed is the reference.
    private static final long PRODUCT_SIDE = 2048;

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

    @Option(
            names = "--model_paths",
            paramLabel = "JSON",
            description = "Weights to work with, as for 'stencil generate'; their config.json tells the size. Default: "
                    + "random weights in memory.")
    private @Nullable String modelPaths;

    @Option(
            names = "--dtype",
            paramLabel = "float32|bfloat16",
            converter = BaseModelOptions.ComputeDtype.class,
            description = "Of the weights at rest. Default: bfloat16.")
    private DType dtype = DType.BFLOAT16;

    @Option(
            names = "--trained_dtype",
            paramLabel = "float32|bfloat16",
            converter = BaseModelOptions.ComputeDtype.class,
            description = "Of the Template's weights. Default: float32.")
    private DType trainedDtype = DType.FLOAT32;

    @Option(
            names = "--fp8_models",
            paramLabel = "NAMES",
            split = ",",
            description = "With --model_paths: which of transformer, text_encoder and vae rest in float8.")
    private List<String> fp8 = List.of();

    @Option(
            names = "--offload_models",
            paramLabel = "NAMES",
            split = ",",
            description =
                    "With --model_paths: of which of transformer, text_encoder and vae no weights stay in memory.")
    private List<String> offload = List.of();

    @Option(names = "--device", paramLabel = "cpu|cuda[:N]", description = "Default: ${DEFAULT-VALUE}.")
    private String device = "cpu";

    @Option(names = "--side", paramLabel = "N", description = "Of the picture in pixels. Default: 256.")
    private @Nullable Integer side;

    @Option(
            names = "--repeats",
            paramLabel = "N",
            description = "Runs of each work, after a first one that is not counted. Default: ${DEFAULT-VALUE}.")
    private int repeats = 3;

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
        BenchReport report = new BenchReport(how(models), ProductSpeed.machine(), speed());
        PrintWriter out = command.commandLine().getOut();
        if (!inProcess) {
            report.heading().forEach(out::println);
        }
        List<Measurement> measurements = new ArrayList<>();
        for (Benchmark benchmark : benchmarks) {
            Measurement measurement = inProcess
                    ? benchmark.measure(models, repeats)
                    : SeparateProcess.measure(JavaCommand.of(words(benchmark)));
            measurements.add(measurement);
            if (!inProcess) {
                out.println(report.line(measurement));
                out.flush();
            }
        }
        if (output != null) {
            write(report, output, measurements);
        }
        return 0;
    }

    /// A benchmark's process computes no other product, which would add to its memory.
    private double speed() {
        return inProcess ? 1 : ProductSpeed.operationsPerSecond(PRODUCT_SIDE);
    }

    private BenchModels models() {
        BenchSize shapes = BenchSize.named(fullSize ? "full" : size);
        @Nullable ModelFiles files = modelPaths == null ? null : ModelPaths.read(modelPaths, new LocalOnly());
        return new BenchModels(
                files,
                side == null ? shapes : shapes.withSide(side),
                new LoadOptions(dtype, Device.parse(device))
                        .withFloat8(roles("fp8_models", fp8))
                        .withOffload(roles("offload_models", offload)),
                trainedDtype);
    }

    private Set<ModelRole> roles(String option, List<String> names) {
        if (!names.isEmpty() && modelPaths == null) {
            throw new InvalidRequestException(option, "needs --model_paths: weights rest so when they come from files");
        }
        Set<ModelRole> roles = EnumSet.noneOf(ModelRole.class);
        for (String name : names) {
            roles.add(ModelRole.named(name)
                    .orElseThrow(() -> new InvalidRequestException(
                            option, "'%s' is not a model; expected transformer, text_encoder or vae".formatted(name))));
        }
        return roles;
    }

    private String how(BenchModels models) {
        String weights = modelPaths == null
                ? "random weights of FLUX.2-klein-4B, " + (fullSize ? "all of it" : "three blocks")
                : "weights of %s%s%s".formatted(modelPaths, list(", in float8 ", fp8), list(", offloaded ", offload));
        return "%s, in %s, computed in %s; %s runs of each"
                .formatted(weights, dtype.text(), models.load().compute().text(), repeats);
    }

    private static String list(String before, List<String> names) {
        return names.isEmpty() ? "" : before + String.join(" and ", names);
    }

    private List<String> words(Benchmark benchmark) {
        List<String> words = new ArrayList<>(List.of(
                NAME,
                "--in_process",
                "--works=" + benchmark.label(),
                "--size=" + (fullSize ? "full" : size),
                "--dtype=" + dtype.text(),
                "--trained_dtype=" + trainedDtype.text(),
                "--device=" + device,
                "--repeats=" + repeats));
        if (side != null) {
            words.add("--side=" + side);
        }
        if (modelPaths != null) {
            words.add("--model_paths=" + modelPaths);
        }
        if (!fp8.isEmpty()) {
            words.add("--fp8_models=" + String.join(",", fp8));
        }
        if (!offload.isEmpty()) {
            words.add("--offload_models=" + String.join(",", offload));
        }
        return words;
    }

    private static void write(BenchReport report, Path file, List<Measurement> measurements) {
        try {
            report.write(file, measurements);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be written: " + e, e);
        }
    }

    /// Measurements begin with what is here, and name it by its path.
    private static final class LocalOnly implements RemoteModels {
        @Override
        public Snapshot fetch(HubReference reference) {
            throw new InvalidRequestException(
                    ModelPaths.OPTION,
                    "'%s' is of a hub, and nothing is fetched here; name the folder that stencil fetch writes"
                            .formatted(reference));
        }

        @Override
        public TrustedCode trusted(@Nullable Snapshot snapshot, Path folder) {
            return TrustedCode.OWN;
        }
    }
}
