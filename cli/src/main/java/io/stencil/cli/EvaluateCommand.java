package io.stencil.cli;

import io.stencil.cli.models.HubModels;
import io.stencil.cli.models.HubOptions;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.files.AtomicFolder;
import io.stencil.hub.ModelSource;
import io.stencil.hub.ModelSource.Located;
import io.stencil.image.ImageSize;
import io.stencil.image.TargetSize;
import io.stencil.lab.evaluate.EvaluationReport;
import io.stencil.lab.evaluate.Finding;
import io.stencil.lab.evaluate.InputSweep;
import io.stencil.lab.evaluate.InputSweep.Statistic;
import io.stencil.lab.evaluate.Measure;
import io.stencil.lab.evaluate.Measure.Effort;
import io.stencil.lab.evaluate.Measures;
import io.stencil.lab.evaluate.PipelinePainter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.safetensors.Checkpoint;
import io.stencil.template.TemplateInput;
import io.stencil.template.TemplateInputs;
import io.stencil.template.Weights;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TemplateSource;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `stencil evaluate`: measures what Templates do to images of the small world.
@Command(
        name = "evaluate",
        description = {
            "Measure what the example Templates do to images of the small world.",
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
            description = "Measurements; default: all, which are ${COMPLETION-CANDIDATES}. With --input, the folder or "
                    + "hub ID: of a Template of your own.")
    private List<String> names = List.of();

    @Option(names = "--model_path", paramLabel = "DIR|ID:", description = "Base model. Default: models/tiny-klein.")
    private @Nullable String model;

    @Option(
            names = "--templates",
            paramLabel = "DIR|ID:",
            description = "Folder of Template folders. Default: examples.")
    private @Nullable String templates;

    @Option(
            names = "--template",
            paramLabel = "NAME=DIR|ID:",
            description = "Folder of the Template NAME, in place of the one in --templates. One for each Template.")
    private List<String> own = List.of();

    @Option(
            names = "--input",
            paramLabel = "NAME=MIN..MAX",
            description = "Number among the inputs of your own Template, which runs through this range. One or more.")
    private List<String> inputs = List.of();

    @Option(
            names = "--statistic",
            paramLabel = "NAME",
            split = ",",
            completionCandidates = Statistics.class,
            description = "Statistics of the images that --input is correlated with: ${COMPLETION-CANDIDATES}. "
                    + "Default: all.")
    private List<String> statistics = Statistic.names();

    @Option(
            names = "--template_inputs",
            paramLabel = "JSON",
            description = "All other inputs of your own Template. Default: {}.")
    private @Nullable String others;

    @Mixin
    private HubOptions hub;

    @Option(names = "--output_path", paramLabel = "DIR", description = "Gets evaluation.json and index.html.")
    private @Nullable Path output;

    @Option(names = "--share", paramLabel = "0..1", description = "Share of the images. Default: ${DEFAULT-VALUE}.")
    private double share = 1;

    @Option(
            names = {"--seeds", "--seed"},
            paramLabel = "N",
            split = ",",
            description =
                    "Seeds of scenes and noise; not one of a dataset whose scenes the models learned from, such as 11, "
                            + "the SEED of examples/train. Of several seeds the worst counts. Default: 777.")
    private List<Long> seeds = List.of(777L);

    @Option(names = "--num_inference_steps", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int steps = 20;

    @Option(
            names = "--height",
            paramLabel = "PIXELS",
            description = "Height of the images of your own Template. Default: 64.")
    private @Nullable Integer height;

    @Option(
            names = "--width",
            paramLabel = "PIXELS",
            description = "Width of the images of your own Template. Default: 64.")
    private @Nullable Integer width;

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

    /// Names of the statistics, for the help.
    static final class Statistics implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Statistic.names().iterator();
        }
    }

    @Override
    public Integer call() {
        List<Measure<?>> measures = inputs.isEmpty() ? exampleMeasures() : ownMeasures();
        List<Effort> efforts =
                seeds.stream().distinct().map(seed -> new Effort(seed, share)).toList();
        if (steps < 1) {
            throw new InvalidRequestException("num_inference_steps", "must be at least 1, found " + steps);
        }
        ImageSize size = size();
        if (output != null) {
            OutputCheck.requireFolder("output_path", output);
        }
        List<String> needed = measures.stream()
                .flatMap(measure -> measure.templates().stream())
                .distinct()
                .toList();
        Subject subject = subject(needed);
        try (AtomicFolder.Temporary images = AtomicFolder.Temporary.create("stencil-evaluate")) {
            List<Finding> findings =
                    run(measures, efforts, subject, new PipelinePainter.Settings(size, steps, 1), images.path());
            if (output != null) {
                EvaluationReport.write(findings, how(subject.base(), size), output);
            }
            return findings.stream().allMatch(Finding::holds) ? 0 : MISSED;
        } catch (IOException e) {
            throw new InvalidFileException(Location.ofField("evaluate"), "the disk cannot be used: " + e, e);
        }
    }

    /// Size of the images; that of the small world where none is given, in which examples are measured.
    private ImageSize size() {
        if (inputs.isEmpty() && (height != null || width != null)) {
            throw new InvalidRequestException(
                    height == null ? "width" : "height",
                    "belongs to a Template of your own; add --input NAME=MIN..MAX");
        }
        var size =
                new TargetSize.Fixed(Objects.requireNonNullElse(height, SIDE), Objects.requireNonNullElse(width, SIDE));
        return new ImageSize(size.width(), size.height());
    }

    private List<Measure<?>> exampleMeasures() {
        if (others != null) {
            throw new InvalidRequestException(
                    "template_inputs", "belongs to a Template of your own; add --input NAME=MIN..MAX");
        }
        return Measures.named(names);
    }

    /// The measurements of a user's own Template, one an input.
    private List<Measure<?>> ownMeasures() {
        if (names.size() != 1) {
            throw new InvalidRequestException(
                    "NAME",
                    "expected the folder of one Template beside --input, found %s"
                            .formatted(names.isEmpty() ? "none" : String.join(", ", names)));
        }
        if (templates != null || !own.isEmpty()) {
            throw new InvalidRequestException(
                    templates == null ? "template" : "templates",
                    "is for example Templates; beside --input the Template is '%s'".formatted(names.getFirst()));
        }
        String name = names.getFirst();
        List<TemplateInput> given =
                TemplateInputs.parse("template_inputs", others == null ? "{}" : others, Path.of(""));
        if (given.size() != 1) {
            throw new InvalidRequestException(
                    "template_inputs", "expected the inputs of one Template, found %s".formatted(given.size()));
        }
        List<Statistic> chosen =
                statistics.stream().distinct().map(Statistic::parse).toList();
        return inputs.stream()
                .<Measure<?>>map(input ->
                        InputSweep.parse(input).of(name, given.getFirst().fields(), chosen))
                .toList();
    }

    /// What is measured.
    ///
    /// @param names of the Templates, in the order of `templates`
    private record Subject(Path base, List<String> names, List<TemplateSource> templates) {}

    /// Validates local folders before fetching.
    private Subject subject(List<String> needed) {
        ModelSource base = source("model_path", model, "models/tiny-klein");
        Map<String, ModelSource> sources = inputs.isEmpty()
                ? ownTemplates(needed)
                : Map.of(needed.getFirst(), ModelSource.parse("NAME", names.getFirst()));
        List<String> others =
                needed.stream().filter(name -> !sources.containsKey(name)).toList();
        ModelSource folders = templates == null && others.isEmpty() ? null : source("templates", templates, "examples");
        if (folders != null) {
            folders.local()
                    .ifPresent(local -> others.forEach(
                            name -> requireTemplate(local.folder().resolve(name), name)));
        }
        sources.forEach((name, source) -> source.local().ifPresent(local -> requireTemplate(local.folder(), name)));
        base.local().ifPresent(Located::folder);
        try (HubModels remote = hub.open()) {
            Map<String, TemplateSource> loaded = new HashMap<>();
            if (folders != null && !others.isEmpty()) {
                Located located = folders.resolve(remote);
                others.forEach(name -> {
                    Path folder = requireTemplate(located.folder().resolve(name), name);
                    loaded.put(name, trained(located, folder, remote));
                });
            }
            sources.forEach((name, source) -> {
                Located located = source.resolve(remote);
                loaded.put(name, trained(located, requireTemplate(located.folder(), name), remote));
            });
            return new Subject(
                    base.resolve(remote).folder(),
                    needed,
                    needed.stream()
                            .map(name -> Objects.requireNonNull(loaded.get(name)))
                            .toList());
        }
    }

    private static TemplateSource trained(Located located, Path folder, HubModels remote) {
        TemplateFolder template = new TemplateFolder(folder, remote.trusted(located.snapshot(), folder));
        boolean isTrained = template.declaredWeights().map(Weights::parts).orElse(List.of()).stream()
                .allMatch(part -> Checkpoint.isNamed(folder.resolve(part.path())));
        if (!isTrained) {
            throw untrained(folder);
        }
        return template;
    }

    /// Parses `--template`.
    private Map<String, ModelSource> ownTemplates(List<String> needed) {
        Map<String, ModelSource> sources = new LinkedHashMap<>();
        for (String text : own) {
            int end = text.indexOf('=');
            if (end < 1 || end == text.length() - 1) {
                throw new InvalidRequestException("template", "expected NAME=DIR, found '%s'".formatted(text));
            }
            String name = text.substring(0, end);
            if (!needed.contains(name)) {
                throw new InvalidRequestException(
                        "template",
                        "no chosen measurement uses a Template '%s'; they use %s".formatted(name, NameList.of(needed)));
            }
            if (sources.put(name, ModelSource.parse("template", text.substring(end + 1))) != null) {
                throw new InvalidRequestException("template", "names '%s' twice".formatted(name));
            }
        }
        return sources;
    }

    private static ModelSource source(String option, @Nullable String named, String own) {
        return ModelSource.parse(
                option, named == null ? StencilCommand.checkout().resolve(own).toString() : named);
    }

    private List<Finding> run(
            List<Measure<?>> measures,
            List<Effort> efforts,
            Subject subject,
            PipelinePainter.Settings settings,
            Path images) {
        PrintWriter out = command.commandLine().getOut();
        PrintWriter err = command.commandLine().getErr();
        try (TemplatePipeline pipeline = pipeline(subject.base(), subject.templates(), err)) {
            Path files = inputs.isEmpty() ? images : Path.of(""); // paths in a user's --template_inputs
            PipelinePainter painter = new PipelinePainter(pipeline, subject.names(), files, settings);
            out.println(EvaluationReport.heading());
            return Measures.run(measures, painter, efforts, cfgScale, finding -> {
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

    /// Requires a folder with code or weights. Which weights the code takes is known only when it may run.
    private static Path requireTemplate(Path folder, String name) {
        if (!Files.isDirectory(folder)) {
            throw new InvalidFileException(
                    folder, "does not exist; name the folder of this Template: --template %s=DIR".formatted(name));
        }
        try (Stream<Path> files = Files.list(folder)) {
            if (files.map(file -> file.getFileName().toString())
                    .noneMatch(file ->
                            file.endsWith(".safetensors") || file.equals("Model.java") || file.equals("model.jar"))) {
                throw untrained(folder);
            }
            return folder;
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be listed: " + e, e);
        }
    }

    private static InvalidFileException untrained(Path folder) {
        return new InvalidFileException(
                folder,
                "holds no model.safetensors; train it first (examples/train NAME for an example, stencil train for your own), or name another folder (--template)");
    }

    private String how(Path base, ImageSize size) {
        return "%s, %s, images of %s pixels, %s steps, share %s of the images; Templates on both sides of the guidance"
                .formatted(
                        base.getFileName(),
                        seeds.size() == 1
                                ? "seed " + seeds.getFirst()
                                : "the worst of the seeds %s (the mean where there is no target)"
                                        .formatted(NameList.of(seeds.stream()
                                                .map(String::valueOf)
                                                .toList())),
                        size,
                        steps,
                        share);
    }
}
