package io.stencil.cli.demo;

import io.stencil.error.InvalidFileException;
import io.stencil.files.AtomicFile;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.TemplateFolder;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.train.Trainer;
import io.stencil.train.TrainingResult;
import io.stencil.train.data.Dataset;
import io.stencil.train.optim.LearningRateSchedule;
import io.stencil.train.options.ExtraInput;
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

    private final DemoPlan plan;
    private final DemoListener listener;

    public Demo(DemoPlan plan, DemoListener listener) {
        this.plan = plan;
        this.listener = listener;
    }

    /// @throws InvalidFileException when the checkout lacks the base model or the example Template
    /// @throws IOException when the output cannot be written
    public DemoResult run() throws IOException {
        requireFolder(plan.baseModel());
        requireFolder(plan.example());
        listener.onStage("painting %d pictures".formatted(DemoPlan.PICTURES));
        PaintedDataset dataset = PaintedDataset.paint(plan.dataset(), DemoPlan.PICTURES, 2 * plan.seed());
        PaintedDataset.paint(plan.validation(), DemoPlan.VALIDATION_PICTURES, 2 * plan.seed() + 1);
        copyTemplate();
        Validation validation = new Validation(
                Dataset.read(options(plan.validation()).build().data()), VALIDATION_LEVELS, plan.seed() + 1);
        double before = validate(validation);
        listener.onStage("training the Template for %d steps".formatted(plan.steps()));
        TrainingRecord training = train();
        double after = validate(validation);
        listener.onStage("making pictures with the trained Template");
        List<Effect> effects = new Showroom(plan, new TemplateFolder(plan.template())).effects(pipeline());
        DemoResult result = new DemoResult(before, after, validation.samples(), training, effects);
        new DemoReport(plan, dataset, result).write();
        return result;
    }

    private double validate(Validation validation) {
        try (Flux2Pipeline base = pipeline();
                LoadedTemplate<?, ?> template = new TemplateFolder(plan.template()).load(base)) {
            return validation.loss(base, template);
        }
    }

    private TrainingRecord train() throws IOException {
        TrainOptions options = options(plan.dataset())
                .repeat(Math.ceilDiv(plan.steps(), DemoPlan.PICTURES))
                .learningRate(LEARNING_RATE)
                .schedule(LearningRateSchedule.NONE)
                .seed(plan.seed())
                .removedPrefix("pipe.template_model.")
                .csvLog(true)
                .build();
        if (Files.isDirectory(plan.training())) {
            new RunFolder(plan.training()).clear(); // of an earlier demo, which this one replaces
        }
        TrainingRecord training = new TrainingRecord(listener);
        TrainingResult result = new Trainer().run(options, training);
        copy(result.checkpoints().getLast(), plan.template().resolve("model.safetensors"));
        return training;
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
        Files.deleteIfExists(plan.template().resolve("model.safetensors"));
    }

    private TrainOptionsBuilder options(Path dataset) {
        return TrainOptions.builder(
                        ModelFiles.in(plan.baseModel()), dataset, dataset.resolve("metadata.jsonl"), plan.training())
                .size(DemoPlan.HEIGHT, DemoPlan.WIDTH)
                .extraInputs(Set.of(ExtraInput.TEMPLATE_INPUTS))
                .template(plan.template())
                .trainable(List.of("template_model"))
                .load(LOAD);
    }
}
