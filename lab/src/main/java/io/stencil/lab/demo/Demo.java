package io.stencil.lab.demo;

import io.stencil.error.InvalidFileException;
import io.stencil.files.AtomicFile;
import io.stencil.files.AtomicFolder;
import io.stencil.image.ImageSize;
import io.stencil.lab.evaluate.Measure;
import io.stencil.lab.evaluate.Measures;
import io.stencil.lab.evaluate.Painter.Steering;
import io.stencil.lab.evaluate.PipelinePainter;
import io.stencil.lab.world.DatasetWriter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.Warnings;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TemplateSource;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.train.Trainer;
import io.stencil.train.TrainingResult;
import io.stencil.train.checkpoint.RunFolder;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.events.TrainingListener.TrainingStart;
import io.stencil.train.optim.LearningRateSchedule;
import io.stencil.train.options.DataOptions.ExtraInput;
import io.stencil.train.options.ObjectiveOptions.TimestepWeighting;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.validation.ValidationReport;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/// The demo: paints a dataset, trains a Template on it, paints images with it, and writes a page about it.
public final class Demo {

    private static final LoadOptions LOAD = new LoadOptions(DType.FLOAT32, Device.CPU);
    private static final Measure<?> MEASURE =
            Measures.named(List.of("brightness")).getFirst();
    private static final double LEARNING_RATE = 1e-3;

    /// So that the Template also steers the side without a caption.
    private static final double CAPTION_DROPOUT = 0.1;

    private final Plan plan;
    private final Listener listener;

    public Demo(Plan plan, Listener listener) {
        this.plan = plan;
        this.listener = listener;
    }

    /// @throws InvalidFileException when the checkout lacks the base model or the example Template
    /// @throws io.stencil.error.InvalidRequestException when the output holds files that would be replaced and that
    ///     no demo made, or that were changed since
    /// @throws IOException when the output cannot be written
    public Result run() throws IOException {
        requireFolder(plan.baseModel());
        requireFolder(plan.example());
        DemoFolder folder = new DemoFolder(plan.output(), plan.parts());
        folder.claim();
        folder.replace(List.of(plan.chart(), plan.page()), this::removeReport);
        listener.onStage("painting %s images".formatted(plan.images()));
        folder.replace(List.of(plan.dataset(), plan.validation()), () -> {
            paint(plan.dataset(), plan.images(), plan.datasetSeed());
            paint(plan.validation(), Plan.VALIDATION_IMAGES, plan.validationSeed());
        });
        folder.replace(List.of(plan.template()), this::copyTemplate);
        listener.onStage("training the Template for %s steps".formatted(plan.steps()));
        Training training = new Training(listener);
        folder.replace(List.of(plan.training(), plan.weights()), () -> train(training));
        Result result = show(training);
        folder.replace(List.of(plan.chart(), plan.page()), new DemoReport(plan, result)::write);
        return result;
    }

    /// The page of an earlier demo shows images that are about to be deleted.
    private void removeReport() throws IOException {
        Files.deleteIfExists(plan.chart());
        Files.deleteIfExists(plan.page());
    }

    /// Paints a dataset anew, in place of an earlier demo's.
    private static void paint(Path folder, int count, long seed) throws IOException {
        if (Files.exists(folder)) {
            AtomicFolder.remove(folder);
        }
        DatasetWriter.write(
                new DatasetWriter.DatasetPlan(DatasetWriter.Kind.BRIGHTNESS, count, seed, Plan.SIDE), folder, _ -> {});
    }

    private Result show(Training training) throws IOException {
        try (AtomicFolder.Temporary images = AtomicFolder.Temporary.create("stencil-demo")) {
            TemplateSource template = new TemplateFolder(plan.template());
            try (TemplatePipeline pipeline = new TemplatePipeline(
                    pipeline(), List.of(template), TemplatePipeline.Loading.EAGER, Warnings.logged())) {
                listener.onStage("generating images with the trained Template, guided and not, amplified and not");
                Steering neutral = Steering.of(MEASURE.name(), "scale", Plan.NEUTRAL);
                return new Result(
                        training,
                        measure(pipeline, images.path(), Plan.GUIDANCE, List.of(neutral)),
                        measure(pipeline, images.path(), Plan.GUIDANCE, List.of()),
                        measure(pipeline, images.path(), 1, List.of()));
            }
        }
    }

    /// Paints the same images at several scales, with the Template on both sides of guidance unless there is
    /// something to guide `against`, and measures the effect of the scale.
    ///
    /// @param folder receives images that Templates take
    /// @param guidance 1 for none
    private Measure.Outcome measure(TemplatePipeline pipeline, Path folder, double guidance, List<Steering> against) {
        PipelinePainter painter = new PipelinePainter(
                pipeline,
                MEASURE.templates(),
                folder,
                new PipelinePainter.Settings(new ImageSize(Plan.SIDE, Plan.SIDE), plan.inferenceSteps(), guidance));
        painter.against(against);
        return MEASURE.run(painter, new Measure.Effort(plan.showSeed(), plan.share()));
    }

    private void train(Training training) throws IOException {
        TrainOptions options = options(plan.dataset())
                .maxSteps(plan.steps())
                .batchSize(Plan.BATCH)
                .learningRate(LEARNING_RATE)
                .schedule(LearningRateSchedule.COSINE)
                .maxGradNorm(1.0)
                .timestepWeighting(TimestepWeighting.NONE)
                .captionDropout(CAPTION_DROPOUT)
                .cacheEncodings(true)
                .seed(plan.seed())
                .removedPrefix("pipe.template_model.")
                .csvLog(true)
                .set("validation_metadata_path", plan.validation().resolve(DatasetWriter.METADATA))
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

    private TrainOptions.Builder options(Path dataset) {
        return TrainOptions.builder(
                        ModelFiles.in(plan.baseModel()),
                        dataset,
                        dataset.resolve(DatasetWriter.METADATA),
                        plan.training())
                .size(Plan.SIDE, Plan.SIDE)
                .extraInputs(Set.of(ExtraInput.TEMPLATE_INPUTS))
                .template(plan.template())
                .trainable(List.of("template_model"))
                .load(LOAD);
    }

    /// Receives the progress of a demo.
    public interface Listener {

        /// A stage begins.
        void onStage(String title);

        /// A training step is done.
        void onStep(StepReport report);
    }

    /// Holds the measurements of a demo.
    ///
    /// @param training losses of the steps and of held-out images
    /// @param amplified effect of the Template on images where guidance amplifies it as it does the caption
    /// @param guided the same with the Template on both sides of guidance, which amplifies the caption alone
    /// @param free the same without guidance
    public record Result(Training training, Measure.Outcome amplified, Measure.Outcome guided, Measure.Outcome free) {

        /// Loss on held-out images before training.
        public double validationBefore() {
            return training.validations().getFirst().loss();
        }

        /// Loss on the same images after it, with the same noise.
        public double validationAfter() {
            return training.validations().getLast().loss();
        }

        /// The correlation of scale and brightness, with the Template on both sides of guidance.
        public double correlation() {
            return guided.metrics().getFirst().value();
        }
    }

    /// Losses and size of a training.
    static final class Training implements TrainingListener {

        private final Listener listener;
        private final List<Double> losses = new ArrayList<>();
        private final List<ValidationReport> validations = new ArrayList<>();
        private long parameters;
        private double seconds;

        Training(Listener listener) {
            this.listener = listener;
        }

        @Override
        public void onStart(TrainingStart start) {
            parameters = start.trainableParameters();
        }

        @Override
        public void onStep(StepReport report) {
            losses.add(report.loss());
            seconds = report.seconds();
            listener.onStep(report);
        }

        @Override
        public void onValidation(ValidationReport report) {
            validations.add(report);
        }

        /// The measurements of held-out images, before the first step and after the last.
        List<ValidationReport> validations() {
            return List.copyOf(validations);
        }

        /// The loss of each step.
        List<Double> losses() {
            return List.copyOf(losses);
        }

        /// Numbers that were trained.
        long parameters() {
            return parameters;
        }

        /// Time of all steps.
        double seconds() {
            return seconds;
        }
    }

    /// Settings of a demo, and the places of its parts.
    ///
    /// @param root folder of the checkout, with `models` and `examples`
    /// @param output gets everything that the demo makes
    /// @param images that training sees
    /// @param steps of training
    /// @param inferenceSteps of denoising, for each image that shows the effect
    /// @param seed seed of images, training and generation
    /// @param share share of an evaluation's images that are generated to show the effect
    public record Plan(Path root, Path output, int images, int steps, int inferenceSteps, long seed, double share) {

        static final int VALIDATION_IMAGES = 32;
        static final int SIDE = 64;
        static final int BATCH = 16;
        static final double GUIDANCE = 3;

        /// The scale of an image that is neither dark nor bright.
        static final double NEUTRAL = 0.5;

        /// Of the scenes that training sees. The three seeds differ for all seeds of demos, so that no scene comes
        /// twice.
        long datasetSeed() {
            return 3 * seed + 2;
        }

        /// Of the scenes that the loss is validated on.
        long validationSeed() {
            return 3 * seed;
        }

        /// Of the scenes whose captions are shown.
        long showSeed() {
            return 3 * seed + 1;
        }

        Path baseModel() {
            return root.resolve("models/tiny-klein");
        }

        /// The Template as its author wrote it.
        Path example() {
            return root.resolve("examples/brightness");
        }

        Path dataset() {
            return output.resolve("dataset");
        }

        /// Images that training never sees.
        Path validation() {
            return output.resolve("validation");
        }

        /// The copy of the Template that gets the trained weights.
        Path template() {
            return output.resolve("brightness");
        }

        /// Its trained weights.
        Path weights() {
            return template().resolve("model.safetensors");
        }

        Path training() {
            return output.resolve("training");
        }

        Path chart() {
            return output.resolve("loss.png");
        }

        public Path page() {
            return output.resolve("index.html");
        }

        /// All parts of a demo.
        List<Path> parts() {
            return List.of(dataset(), validation(), template(), training(), chart(), page());
        }
    }
}
