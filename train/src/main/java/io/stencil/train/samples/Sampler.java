package io.stencil.train.samples;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.StencilException;
import io.stencil.files.AtomicFolder;
import io.stencil.image.ImageSize;
import io.stencil.image.ImageTexts;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.image.TargetSize;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GenerationParameters;
import io.stencil.pipeline.GenerationParameters.HashedFile;
import io.stencil.pipeline.GenerationParameters.Model;
import io.stencil.pipeline.GenerationParameters.Template;
import io.stencil.pipeline.ProgressListener;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.template.TemplateInput;
import io.stencil.template.Warnings;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.TemplateSource;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.train.checkpoint.RunFolder;
import io.stencil.train.data.Dataset;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.SampleImage;
import io.stencil.train.events.TrainingListener.SamplesReport;
import io.stencil.train.events.TrainingListener.Stage;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.samples.ContactSheet.Cell;
import io.stencil.train.samples.ContactSheet.Line;
import io.stencil.train.samples.SamplePlan.PlannedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Generates the samples of a run with the models that it trains, as `stencil generate` would with their checkpoint.
/// No weight, gradient or random number generator of the run changes.
public final class Sampler {

    /// Name of the contact sheet in a step's folder.
    public static final String SHEET = "sheet.png";

    private static final String OPTION = "sample_steps";
    private static final Pattern LEFTOVER = Pattern.compile("\\.step-\\d+\\..*\\.tmp");

    private final TemplatePipeline pipeline;
    private final SamplePlan plan;
    private final Model model;
    private final List<Template> templates;
    private final Path folder;
    private final String heading;
    private final Warnings warnings;

    private Sampler(TemplatePipeline pipeline, SamplePlan plan, TrainOptions options, Warnings warnings) {
        this.pipeline = pipeline;
        this.plan = plan;
        this.model = Model.of(options.models().base(), options.models().load());
        this.templates = options.models().template() == null
                ? List.of()
                : List.of(new Template(options.models().template().toString(), null));
        this.folder = options.output().folder().resolve(RunFolder.SAMPLES);
        this.heading = options.optimisation().emaDecay() == null ? "step %s" : "step %s, average of the weights";
        this.warnings = warnings;
    }

    /// Checks the file of `--samples` as far as no model is needed for it.
    ///
    /// @param rows whose image size samples have by default
    /// @throws io.stencil.error.InvalidFileException naming file, line and field of each row that cannot be used
    public static void check(TrainOptions options, Dataset rows) {
        if (options.sampling().file() != null) {
            file(options, rows, options.sampling().file()).read(options.models().template() != null);
        }
    }

    /// Plans the samples of a run and checks that the models can generate them.
    ///
    /// @param rows from which samples are made up, and whose image size they have by default: those held out, if any
    /// @param trained rows of the training, whose inputs give the ranges of sweeps too
    /// @param base stays the caller's; `template` likewise
    /// @param template under training, or null when none takes part
    /// @param warnings receives warnings about the samples, each once
    /// @throws io.stencil.error.StencilException when a model is missing or a row of `--samples` does not fit
    public static Sampler of(
            TrainOptions options,
            Dataset rows,
            Dataset trained,
            Flux2Pipeline base,
            @Nullable LoadedTemplate<?, ?> template,
            Warnings warnings) {
        requireModels(base.models());
        Path file = options.sampling().file();
        SamplePlan plan;
        if (file != null) {
            SamplesFile samples = file(options, rows, file);
            plan = samples.read(template != null);
            if (template != null) {
                samples.requireFits(template);
            }
        } else if (options.task() == Task.SFT_TRAIN) {
            throw new InvalidRequestException(
                    "samples",
                    "is missing, but --task sft:train has no rows to make samples up from; name a file of samples, or leave --sample_steps out");
        } else {
            plan = new DatasetSamples(
                            rows,
                            Stream.concat(rows.rows().stream(), trained.rows().stream())
                                    .distinct()
                                    .toList(),
                            template != null)
                    .plan();
        }
        Set<String> passed = new HashSet<>();
        Warnings once = message -> {
            if (passed.add(message)) {
                warnings.warn(message);
            }
        };
        // It is never closed: models and Template are the caller's.
        TemplatePipeline pipeline = new TemplatePipeline(base, sources(template), TemplatePipeline.Loading.EAGER, once);
        return new Sampler(pipeline, plan, options, once);
    }

    private static SamplesFile file(TrainOptions options, Dataset rows, Path file) {
        ImageSize size = rows.size() instanceof TargetSize.Fixed fixed
                ? new ImageSize(fixed.width(), fixed.height())
                : options.task() == Task.SFT_TRAIN
                        ? null
                        : rows.sizes(rows.rows().getFirst()).getFirst();
        return new SamplesFile(file, size);
    }

    private static void requireModels(ModelSet models) {
        List<String> missing = new ArrayList<>();
        if (models.textEncoder() == null) {
            missing.add("text encoder");
        }
        if (models.vae() == null) {
            missing.add("VAE");
        }
        if (!missing.isEmpty()) {
            throw new InvalidRequestException(
                    OPTION,
                    "samples need the %s, which the pipeline was loaded without; add its files to --model_paths, or leave --sample_steps and --samples out"
                            .formatted(String.join(" and the ", missing)));
        }
    }

    /// The Template under training, as [SamplePlan#INPUTS] and [SamplePlan#ROWS].
    private static List<TemplateSource> sources(@Nullable LoadedTemplate<?, ?> template) {
        return template == null ? List.of() : List.of(new Loaded(template), new Loaded(template.ofRows()));
    }

    /// A Template that is in memory.
    private record Loaded(LoadedTemplate<?, ?> template) implements TemplateSource {

        @Override
        public void check(Flux2Pipeline base) {}

        @Override
        public LoadedTemplate<?, ?> load(Flux2Pipeline base) {
            return template;
        }
    }

    /// Stops the generation of an image.
    private static final class StopException extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /// The folder of the samples after a step.
    public Path folder(long step) {
        return folder.resolve(String.format(Locale.ROOT, "step-%06d", step));
    }

    /// Generates all samples with the present weights, and replaces those that are there of the same step. The folder
    /// appears when it is complete. An image that fails is a warning.
    ///
    /// @param stop whether to stop: nothing is written then
    /// @param listener is not called where generation was stopped, or no image could be generated or written
    public void generate(long step, BooleanSupplier stop, TrainingListener listener) {
        long began = System.nanoTime();
        List<String> names = plan.names();
        List<@Nullable RgbImage> images = new ArrayList<>();
        try {
            for (int i = 0; i < names.size(); i++) {
                listener.onStage(Stage.SAMPLES, i, names.size());
                images.add(image(plan.images().get(i), names.get(i), step, stop));
            }
        } catch (StopException _) {
            return;
        }
        if (images.stream().allMatch(Objects::isNull)) {
            return;
        }
        SamplesReport report;
        try {
            report = write(step, images, began);
        } catch (IOException | RuntimeException e) {
            warnings.warn("the samples of step %s cannot be written: %s".formatted(step, reason(e)));
            return;
        }
        listener.onSamples(report);
    }

    private @Nullable RgbImage image(PlannedImage planned, String name, long step, BooleanSupplier stop) {
        ProgressListener progress = new ProgressListener() {
            @Override
            public void onStep(int done, int total) {
                requireNotStopped(stop);
            }

            @Override
            public void onWarning(String message) {
                warnings.warn("sample %s: %s".formatted(name, message));
            }
        };
        requireNotStopped(stop);
        try {
            return pipeline.generate(planned.request(), planned.positive(), planned.negative(), progress)
                    .image();
        } catch (StopException e) {
            throw e;
        } catch (RuntimeException | Error e) { // also memory that runs out: the run can go on without the image
            warnings.warn("sample %s of step %s failed: %s".formatted(name, step, reason(e)));
            return null;
        }
    }

    private static String reason(Throwable e) {
        return e instanceof StencilException ? String.valueOf(e.getMessage()) : e.toString();
    }

    private static void requireNotStopped(BooleanSupplier stop) {
        if (stop.getAsBoolean()) {
            throw new StopException();
        }
    }

    private SamplesReport write(long step, List<@Nullable RgbImage> images, long began) throws IOException {
        Path target = folder(step);
        removeOld(target);
        RgbImage sheet = sheet(step, images);
        List<SampleImage> written = new ArrayList<>();
        AtomicFolder.write(target, temporary -> {
            for (int i = 0; i < images.size(); i++) {
                RgbImage image = images.get(i);
                if (image != null) {
                    PlannedImage planned = plan.images().get(i);
                    String name = plan.names().get(i);
                    RgbImageWriter.write(image, temporary.resolve(name + ".png"), texts(planned, step));
                    written.add(new SampleImage(name, target.resolve(name + ".png"), planned.caption()));
                }
            }
            if (sheet != null) {
                RgbImageWriter.write(sheet, temporary.resolve(SHEET));
            }
        });
        return new SamplesReport(
                step, target, written, sheet == null ? null : target.resolve(SHEET), (System.nanoTime() - began) / 1e9);
    }

    private ImageTexts texts(PlannedImage planned, long step) {
        return GenerationParameters.of(planned.request(), model)
                .paths(planned.files())
                .templates(templates)
                .templateInputs(json(planned.positive()), json(planned.negative()))
                .templateImages(Stream.concat(planned.positive().stream(), planned.negative().stream())
                        .flatMap(input -> input.files().stream())
                        .distinct()
                        .map(HashedFile::of)
                        .toList())
                .step(step)
                .build()
                .texts();
    }

    private static List<ObjectNode> json(List<TemplateInput> inputs) {
        return inputs.stream()
                .map(input -> new TemplateInput(SamplePlan.INPUTS, input.fields(), input.folder()).json())
                .toList();
    }

    /// Removes earlier samples of the step, of steps that are trained again, and leftovers of a killed process.
    private void removeOld(Path target) throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (Stream<Path> content = Files.list(folder)) {
            for (Path path : content.toList()) {
                if (path.equals(target)
                        || LEFTOVER.matcher(path.getFileName().toString()).matches()) {
                    AtomicFolder.remove(path);
                }
            }
        }
    }

    private @Nullable RgbImage sheet(long step, List<@Nullable RgbImage> images) {
        List<Line> lines = new ArrayList<>();
        List<Cell> cells = new ArrayList<>();
        for (int i = 0; i < images.size(); i++) {
            PlannedImage planned = plan.images().get(i);
            cells.add(new Cell(planned.label(), images.get(i)));
            boolean ends =
                    i + 1 == images.size() || !plan.images().get(i + 1).line().equals(planned.line());
            if (ends) {
                lines.add(new Line(planned.line(), cells));
                cells.clear();
            }
        }
        try {
            return ContactSheet.draw(heading.formatted(step), lines);
        } catch (RuntimeException | Error e) { // Java reports missing fonts by either
            warnings.warn(
                    "the contact sheet of step %s cannot be drawn, the images are there: %s; without fonts, install fontconfig and one of them"
                            .formatted(step, reason(e)));
            return null;
        }
    }
}
