package io.stencil.train.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.TemplateFolder;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.ResidentMemory;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import io.stencil.train.TrainableParts;
import io.stencil.train.data.TrainingSample;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Gradients of a Template that steers in every way from one trunk.
class TrainingStepTest {

    private static final Path FOLDER = TestFiles.root().resolve("train/src/test/resources/templates/shared_trunk");
    private static final Path PEAK_RESET = Path.of("/proc/self/clear_refs");

    private final List<String> warnings = new ArrayList<>();

    @SuppressWarnings("NullAway.Init")
    private Flux2Pipeline pipeline;

    @SuppressWarnings("NullAway.Init")
    private LoadedTemplate<?, ?> template;

    @SuppressWarnings("NullAway.Init")
    private Map<String, Parameter> trained;

    @BeforeEach
    void load() {
        pipeline =
                Flux2Pipeline.load(ModelFiles.in(TestFiles.tinyModel("")), new LoadOptions(DType.FLOAT32, Device.CPU));
        template = new TemplateFolder(FOLDER).load(pipeline);
        trained = TrainableParts.select(List.of("template_model"), pipeline, template)
                .parameters();
    }

    @AfterEach
    void free() {
        template.close();
        pipeline.close();
    }

    private static TrainingSample sample(int side) {
        return new TrainingSample(
                RgbImage.filled(new ImageSize(side, side), 0x4080C0),
                "a wall",
                List.of(),
                JsonNodeFactory.instance.objectNode().put("scale", 0.7),
                FOLDER);
    }

    private static TrainingSample lookingAt(TrainingSample sample, int copies) {
        return new TrainingSample(
                sample.image(),
                sample.prompt(),
                Collections.nCopies(copies, sample.image()),
                sample.templateInputs(),
                sample.folder());
    }

    private double accumulate(boolean checkpointed, int side, double share) {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(5)) {
            Draw draw = new Draw(400, generator.randn(DType.FLOAT32, 1, side * side / 256, 128));
            return new TrainingStep(pipeline, template, checkpointed, warnings::add)
                    .accumulate(sample(side), (_, _) -> draw, share);
        }
    }

    /// Copies of the gradients, owned by the caller's scope; the parameters' own are freed.
    private Map<String, Tensor> takeGradients() {
        Map<String, Tensor> gradients = new LinkedHashMap<>();
        trained.forEach((name, parameter) -> {
            Tensor gradient = parameter.gradient();
            if (gradient != null) {
                gradients.put(name, gradient.clone());
            }
            parameter.clearGradient();
        });
        return gradients;
    }

    @Test
    void recomputedAndKeptActivationsGiveTheSameGradients() {
        try (Scope _ = new Scope()) {
            double plainLoss = accumulate(false, 32, 1);
            Map<String, Tensor> plain = takeGradients();
            double checkpointedLoss = accumulate(true, 32, 1);
            Map<String, Tensor> checkpointed = takeGradients();
            assertThat(checkpointedLoss).isCloseTo(plainLoss, within(1e-6));
            assertThat(plain.keySet())
                    .containsExactlyInAnyOrder(
                            "pipe.template_model.seeds",
                            "pipe.template_model.first.weight",
                            "pipe.template_model.first.bias",
                            "pipe.template_model.last.weight",
                            "pipe.template_model.last.bias",
                            "pipe.template_model.text.weight",
                            "pipe.template_model.text.bias");
            assertThat(checkpointed.keySet()).isEqualTo(plain.keySet());
            plain.forEach((name, gradient) ->
                    TensorAssert.assertClose(name, Objects.requireNonNull(checkpointed.get(name)), gradient, 1e-5));
        }
    }

    @Test
    void theGradientIsTheSlopeOfTheLoss() {
        try (Scope _ = new Scope()) {
            accumulate(false, 32, 1);
            Tensor gradient = Objects.requireNonNull(takeGradients().get("pipe.template_model.last.bias"));
            Tensor bias = Objects.requireNonNull(trained.get("pipe.template_model.last.bias"))
                    .get()
                    .detach();
            Tensor direction = gradient.div(gradient.norm());
            double slope = Tensors.toDouble(gradient.norm());
            bias.add_(Ops.mul(direction, 0.01));
            double above = accumulate(false, 32, 1);
            bias.add_(Ops.mul(direction, -0.02));
            double below = accumulate(false, 32, 1);
            assertThat((above - below) / 0.02).isCloseTo(slope, within(0.02 * slope));
        }
    }

    @Test
    void sharesOfTheGradientAddUp() {
        try (Scope _ = new Scope()) {
            accumulate(false, 32, 1);
            Map<String, Tensor> whole = takeGradients();
            accumulate(false, 32, 0.25);
            accumulate(false, 32, 0.75);
            Map<String, Tensor> sum = takeGradients();
            whole.forEach((name, gradient) ->
                    TensorAssert.assertClose(name, Objects.requireNonNull(sum.get(name)), gradient, 1e-5));
        }
    }

    @Test
    void aSettingWithoutAPartInTrainingIsWarnedOfOnce() {
        TrainingStep step = new TrainingStep(pipeline, template, false, warnings::add);
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(5)) {
            step.accumulate(sample(32), NoiseDraws.from(generator), 1);
            step.accumulate(sample(32), NoiseDraws.from(generator), 1);
        }
        assertThat(warnings).containsExactly("the Template sets denoising_strength, which has no part in training");
    }

    @Test
    void recomputedActivationsTakeLessMemory() {
        long checkpointed = peakOfOneStep(true);
        long plain = peakOfOneStep(false);
        assertThat(plain - checkpointed).isGreaterThan(64L << 20);
    }

    /// Most resident memory from the draw on, when pictures are encoded. Many small edit images make a pass of the
    /// transformer that is large beside the encoding.
    private long peakOfOneStep(boolean checkpointed) {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(5)) {
            NoiseDraws draws = NoiseDraws.from(generator);
            new TrainingStep(pipeline, template, checkpointed, warnings::add)
                    .accumulate(
                            lookingAt(sample(256), 10),
                            (dtype, shape) -> {
                                resetPeak();
                                return draws.next(dtype, shape);
                            },
                            1);
        }
        return ResidentMemory.peakBytes();
    }

    private static void resetPeak() {
        try {
            Files.writeString(PEAK_RESET, "5");
        } catch (IOException e) {
            throw new IllegalStateException("the peak of resident memory cannot be reset", e);
        }
    }
}
