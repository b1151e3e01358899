package io.stencil.cli;

import io.stencil.cli.evaluate.EvaluationReport;
import io.stencil.cli.evaluate.FindingTable;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.evaluate.Effort;
import io.stencil.evaluate.Evaluation;
import io.stencil.evaluate.Finding;
import io.stencil.evaluate.Measure;
import io.stencil.evaluate.PipelinePainter;
import io.stencil.evaluate.measure.Measures;
import io.stencil.files.TemporaryFolder;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TemplateSource;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `stencil evaluate`: measures what Templates do to pictures of the small world.
@Command(
        name = "evaluate",
        description = {
            "Measure what the example Templates do to pictures of the small world.",
            "Exits with 1 when a figure misses its target."
        })
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class EvaluateCommand implements Callable<Integer> {

    private static final int SIDE = 64;
    private static final int MISSED = 1;

    @Parameters(paramLabel = "NAME", arity = "0..*", description = "Measurements, such as brightness; default: all.")
    private List<String> names = List.of();

    @Option(names = "--model_path", paramLabel = "DIR", description = "Base model. Default: models/tiny-klein.")
    private @Nullable Path model;

    @Option(names = "--templates", paramLabel = "DIR", description = "Folder of Template folders. Default: examples.")
    private @Nullable Path templates;

    @Option(names = "--output_path", paramLabel = "DIR", description = "Gets evaluation.json and index.html.")
    private @Nullable Path output;

    @Option(names = "--share", paramLabel = "0..1", description = "Share of the pictures. Default: ${DEFAULT-VALUE}.")
    private double share = 1;

    @Option(names = "--seed", paramLabel = "N", description = "Of scenes and noise. Default: ${DEFAULT-VALUE}.")
    private long seed = 777;

    @Option(names = "--num_inference_steps", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int steps = 20;

    @Option(names = "--cfg_scale", paramLabel = "X", description = "Default: what suits each measurement.")
    private @Nullable Double cfgScale;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() {
        List<Measure> measures = Measures.named(names);
        Effort effort = new Effort(seed, share);
        if (steps < 1) {
            throw new InvalidRequestException("num_inference_steps", "must be at least 1, found " + steps);
        }
        if (output != null) {
            OutputCheck.requireFolder("output_path", output);
        }
        Path base = model == null ? Checkout.root().resolve("models/tiny-klein") : model;
        Path folders = templates == null ? Checkout.root().resolve("examples") : templates;
        List<String> needed = measures.stream()
                .flatMap(measure -> measure.templates().stream())
                .distinct()
                .toList();
        needed.forEach(name -> requireTrained(folders.resolve(name)));
        try (TemporaryFolder pictures = TemporaryFolder.create("stencil-evaluate")) {
            List<Finding> findings = run(measures, effort, base, folders, needed, pictures.path());
            if (output != null) {
                EvaluationReport.write(findings, how(base), output);
            }
            return findings.stream().allMatch(Finding::holds) ? 0 : MISSED;
        } catch (IOException e) {
            throw new InvalidFileException(Location.ofField("evaluate"), "the disk cannot be used: " + e, e);
        }
    }

    private List<Finding> run(
            List<Measure> measures, Effort effort, Path base, Path folders, List<String> needed, Path pictures) {
        PrintWriter out = command.commandLine().getOut();
        PrintWriter err = command.commandLine().getErr();
        List<TemplateSource> sources = needed.stream()
                .map(name -> (TemplateSource) new TemplateFolder(folders.resolve(name)))
                .toList();
        PipelinePainter.Settings settings = new PipelinePainter.Settings(SIDE, steps, 1);
        try (TemplatePipeline pipeline = pipeline(base, sources, err)) {
            PipelinePainter painter = new PipelinePainter(pipeline, needed, pictures, settings);
            out.println(FindingTable.heading());
            return Evaluation.run(measures, painter, effort, cfgScale, finding -> {
                FindingTable.lines(finding).forEach(out::println);
                out.flush();
            });
        }
    }

    private static TemplatePipeline pipeline(Path base, List<TemplateSource> sources, PrintWriter err) {
        Flux2Pipeline models =
                Flux2Pipeline.load(ModelFiles.in(base), new LoadOptions(DType.FLOAT32, Device.parse("cpu")));
        try {
            return new TemplatePipeline(
                    models,
                    sources,
                    TemplatePipeline.Loading.EAGER,
                    warning -> err.println("stencil: warning: " + warning));
        } catch (RuntimeException e) {
            models.close();
            throw e;
        }
    }

    private static void requireTrained(Path folder) {
        if (!Files.isRegularFile(folder.resolve("model.safetensors"))) {
            throw new InvalidFileException(
                    folder,
                    "holds no model.safetensors; train it first (examples/train %s)".formatted(folder.getFileName()));
        }
    }

    private String how(Path base) {
        return "%s, seed %d, %d steps, share %s of the pictures; Templates on both sides of the guidance"
                .formatted(base.getFileName(), seed, steps, share);
    }
}
