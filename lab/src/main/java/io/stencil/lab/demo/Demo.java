package io.stencil.lab.demo;

import io.stencil.error.InvalidFileException;
import io.stencil.files.AtomicFile;
import io.stencil.files.AtomicFolder;
import io.stencil.files.TemporaryFolder;
import io.stencil.lab.world.DatasetKind;
import io.stencil.lab.world.DatasetWriter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.train.Trainer;
import io.stencil.train.TrainingResult;
import io.stencil.train.data.Dataset;
import io.stencil.train.optim.LearningRateSchedule;
import io.stencil.train.options.ExtraInput;
import io.stencil.train.options.TimestepWeighting;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.options.TrainOptionsBuilder;
import io.stencil.train.resume.RunFolder;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/// From nothing to a trained Template: paints a dataset, trains on it, makes pictures, and writes a page about it.
public final class Demo {

    private static final LoadOptions LOAD = new LoadOptions(DType.FLOAT32, Device.CPU);
    private static final int VALIDATION_LEVELS = 6;
    private static final double LEARNING_RATE = 1e-3;

    /// Of all losses that are told, trained and validated.
    static final TimestepWeighting WEIGHTING = TimestepWeighting.NONE;

    /// So that the Template also steers the side without a caption.
    private static final double CAPTION_DROPOUT = 0.1;

    private final DemoPlan plan;
    private final DemoListener listener;

    public Demo(DemoPlan plan, DemoListener listener) {
        this.plan = plan;
        this.listener = listener;
    }

    /// @throws InvalidFileException when the checkout lacks the base model or the example Template
    /// @throws io.stencil.error.InvalidRequestException when the output holds files that would be replaced and that
    ///     no demo made, or that were changed since
    /// @throws IOException when the output cannot be written
    public DemoResult run() throws IOException {
        requireFolder(plan.baseModel());
        requireFolder(plan.example());
        DemoFolder folder = new DemoFolder(plan.output(), plan.parts());
        folder.claim();
        folder.replace(List.of(plan.chart(), plan.page()), this::removeReport);
        listener.onStage("painting %s pictures".formatted(DemoPlan.PICTURES));
        folder.replace(List.of(plan.dataset(), plan.validation()), () -> {
            paint(plan.dataset(), DemoPlan.PICTURES, plan.datasetSeed());
            paint(plan.validation(), DemoPlan.VALIDATION_PICTURES, plan.validationSeed());
        });
        folder.replace(List.of(plan.template()), this::copyTemplate);
        Validation validation = new Validation(
                Dataset.read(options(plan.validation()).build().data()), VALIDATION_LEVELS, plan.seed() + 1);
        double before = validate(validation);
        listener.onStage("training the Template for %s steps".formatted(plan.steps()));
        TrainingRecord training = new TrainingRecord(listener);
        folder.replace(List.of(plan.training(), plan.weights()), () -> train(training));
        double after = validate(validation);
        DemoResult result = show(before, after, validation.samples(), training);
        folder.replace(List.of(plan.chart(), plan.page()), new DemoReport(plan, result)::write);
        return result;
    }

    /// That of an earlier demo tells of pictures that are about to go.
    private void removeReport() throws IOException {
        Files.deleteIfExists(plan.chart());
        Files.deleteIfExists(plan.page());
    }

    /// Anew: what an earlier demo painted is removed.
    private static void paint(Path folder, int count, long seed) throws IOException {
        if (Files.exists(folder)) {
            AtomicFolder.remove(folder);
        }
        DatasetWriter.write(
                new DatasetWriter.DatasetPlan(DatasetKind.BRIGHTNESS, count, seed, DemoPlan.SIDE), folder, _ -> {});
    }

    private DemoResult show(double before, double after, int samples, TrainingRecord training) throws IOException {
        try (TemporaryFolder pictures = TemporaryFolder.create("stencil-demo")) {
            Showroom room =
                    new Showroom(new TemplateFolder(plan.template()), pictures.path(), plan.showSeed(), plan.share());
            try (TemplatePipeline pipeline = room.open(pipeline())) {
                listener.onStage("making pictures with the trained Template, guided and not, amplified and not");
                return new DemoResult(
                        before,
                        after,
                        samples,
                        training,
                        room.lookAmplified(pipeline, DemoPlan.GUIDANCE),
                        room.look(pipeline, DemoPlan.GUIDANCE),
                        room.look(pipeline, 1));
            }
        }
    }

    private double validate(Validation validation) {
        try (Flux2Pipeline base = pipeline();
                LoadedTemplate<?, ?> template = new TemplateFolder(plan.template()).load(base)) {
            return validation.loss(base, template);
        }
    }

    private void train(TrainingRecord training) throws IOException {
        TrainOptions options = options(plan.dataset())
                .maxSteps(plan.steps())
                .batchSize(DemoPlan.BATCH)
                .learningRate(LEARNING_RATE)
                .schedule(LearningRateSchedule.COSINE)
                .maxGradNorm(1.0)
                .timestepWeighting(WEIGHTING)
                .captionDropout(CAPTION_DROPOUT)
                .cacheEncodings(true)
                .seed(plan.seed())
                .removedPrefix("pipe.template_model.")
                .csvLog(true)
                .build();
        if (Files.isDirectory(plan.training())) {
            new RunFolder(plan.training()).clear(); // of an earlier demo, which this one replaces
        }
        TrainingResult result = new Trainer().run(options, training);
        copy(result.checkpoints().getLast(), plan.weights());
    }

    private static void copy(Path from, Path to) throws IOException {
        AtomicFile.write(to, target -> {
            try (FileChannel source = FileChannel.open(from, StandardOpenOption.READ)) {
                long size = source.size();
                for (long at = 0; at < size; ) {
                    at += source.transferTo(at, size - at, target);
                }
            }
        });
    }

    private static void requireFolder(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new InvalidFileException(folder, "is missing; run the demo from a complete checkout");
        }
    }

    private Flux2Pipeline pipeline() {
        return Flux2Pipeline.load(ModelFiles.in(plan.baseModel()), LOAD);
    }

    /// The author's files without weights, so that training begins from random ones.
    private void copyTemplate() throws IOException {
        try (Stream<Path> files = Files.list(plan.example())) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                if (!file.toString().endsWith(".safetensors")) {
                    AtomicFile.writeText(plan.template().resolve(file.getFileName()), Files.readString(file));
                }
            }
        }
        Files.deleteIfExists(plan.weights());
    }

    private TrainOptionsBuilder options(Path dataset) {
        return TrainOptions.builder(
                        ModelFiles.in(plan.baseModel()),
                        dataset,
                        dataset.resolve(DatasetWriter.METADATA),
                        plan.training())
                .size(DemoPlan.SIDE, DemoPlan.SIDE)
                .extraInputs(Set.of(ExtraInput.TEMPLATE_INPUTS))
                .template(plan.template())
                .trainable(List.of("template_model"))
                .load(LOAD);
    }
}
