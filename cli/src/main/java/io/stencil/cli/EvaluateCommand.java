package io.stencil.cli;

import io.stencil.cli.models.HubModels;
import io.stencil.cli.models.HubOptions;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFolder;
import io.stencil.hub.ModelSource;
import io.stencil.hub.ModelSource.Located;
import io.stencil.lab.evaluate.EvaluationReport;
import io.stencil.lab.evaluate.Finding;
import io.stencil.lab.evaluate.Measure;
import io.stencil.lab.evaluate.Measure.Effort;
import io.stencil.lab.evaluate.Measures;
import io.stencil.lab.evaluate.PipelinePainter;
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
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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

    @Parameters(
            paramLabel = "NAME",
            arity = "0..*",
            completionCandidates = Names.class,
            description = "Measurements; default: all, which are ${COMPLETION-CANDIDATES}.")
    private List<String> names = List.of();

    @Option(names = "--model_path", paramLabel = "DIR|ID:", description = "Base model. Default: models/tiny-klein.")
    private @Nullable String model;

    @Option(
            names = "--templates",
            paramLabel = "DIR|ID:",
            description = "Folder of Template folders. Default: examples.")
    private @Nullable String templates;

    @Mixin
    private HubOptions hub;

    @Option(names = "--output_path", paramLabel = "DIR", description = "Gets evaluation.json and index.html.")
    private @Nullable Path output;

    @Option(names = "--share", paramLabel = "0..1", description = "Share of the pictures. Default: ${DEFAULT-VALUE}.")
    private double share = 1;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description =
                    "Of scenes and noise; not that of a dataset whose scenes the models learned from, such as 11, the "
                            + "SEED of examples/train. Default: ${DEFAULT-VALUE}.")
    private long seed = 777;

    @Option(names = "--num_inference_steps", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int steps = 20;

    @Option(names = "--cfg_scale", paramLabel = "X", description = "Default: what suits each measurement.")
    private @Nullable Double cfgScale;

    @Spec
    private CommandSpec command;

    /// Names of the measurements, for the help.
    static final class Names implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Measures.names().iterator();
        }
    }

    @Override
    public Integer call() {
        List<Measure<?>> measures = Measures.named(names);
        Effort effort = new Effort(seed, share);
        if (steps < 1) {
            throw new InvalidRequestException("num_inference_steps", "must be at least 1, found " + steps);
        }
        if (output != null) {
            OutputCheck.requireFolder("output_path", output);
        }
        List<String> needed = measures.stream()
                .flatMap(measure -> measure.templates().stream())
                .distinct()
                .toList();
        Subject subject = subject(needed);
        try (AtomicFolder.Temporary pictures = AtomicFolder.Temporary.create("stencil-evaluate")) {
            List<Finding> findings = run(measures, effort, subject, pictures.path());
            if (output != null) {
                EvaluationReport.write(findings, how(subject.base()), output);
            }
            return findings.stream().allMatch(Finding::holds) ? 0 : MISSED;
        } catch (IOException e) {
            throw new InvalidFileException(Location.ofField("evaluate"), "the disk cannot be used: " + e, e);
        }
    }

    /// What is measured.
    ///
    /// @param names of the Templates, in the order of `templates`
    private record Subject(Path base, List<String> names, List<TemplateSource> templates) {}

    /// Validates local folders before fetching.
    private Subject subject(List<String> needed) {
        ModelSource base = source("model_path", model, "models/tiny-klein");
        ModelSource folders = source("templates", templates, "examples");
        folders.local().ifPresent(local -> requireTrained(local, needed));
        base.local().ifPresent(Located::folder);
        try (HubModels remote = hub.open()) {
            Located located = folders.resolve(remote);
            requireTrained(located, needed);
            List<TemplateSource> sources = needed.stream()
                    .map(located.folder()::resolve)
                    .map(folder ->
                            (TemplateSource) new TemplateFolder(folder, remote.trusted(located.snapshot(), folder)))
                    .toList();
            return new Subject(base.resolve(remote).folder(), needed, sources);
        }
    }

    private static ModelSource source(String option, @Nullable String named, String own) {
        return ModelSource.parse(
                option, named == null ? StencilCommand.checkout().resolve(own).toString() : named);
    }

    private List<Finding> run(List<Measure<?>> measures, Effort effort, Subject subject, Path pictures) {
        PrintWriter out = command.commandLine().getOut();
        PrintWriter err = command.commandLine().getErr();
        PipelinePainter.Settings settings = new PipelinePainter.Settings(SIDE, steps, 1);
        try (TemplatePipeline pipeline = pipeline(subject.base(), subject.templates(), err)) {
            PipelinePainter painter = new PipelinePainter(pipeline, subject.names(), pictures, settings);
            out.println(EvaluationReport.heading());
            return Measures.run(measures, painter, effort, cfgScale, finding -> {
                EvaluationReport.lines(finding).forEach(out::println);
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

    private static void requireTrained(Located folders, List<String> needed) {
        needed.forEach(name -> requireTrained(folders.folder().resolve(name)));
    }

    private static void requireTrained(Path folder) {
        if (!Files.isRegularFile(folder.resolve("model.safetensors"))) {
            throw new InvalidFileException(
                    folder,
                    "holds no model.safetensors; train it first (examples/train %s)".formatted(folder.getFileName()));
        }
    }

    private String how(Path base) {
        return "%s, seed %s, %s steps, share %s of the pictures; Templates on both sides of the guidance"
                .formatted(base.getFileName(), seed, steps, share);
    }
}
