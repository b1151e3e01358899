package io.stencil.train.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.stencil.autograd.ActivationPolicy;
import io.stencil.error.Location;
import io.stencil.flux2.text.PromptLength;
import io.stencil.flux2.text.PromptLength.CutPrompts;
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
import io.stencil.tensor.ProcessRandom;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import io.stencil.train.checkpoint.TrainableParts;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.Sample;
import io.stencil.train.step.NoiseDraws.Draw;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Gradients of a Template that steers in every way from one trunk.
class TrainingStepTest {

    private static final Path FOLDER = TestFiles.root().resolve("train/src/test/resources/templates/shared_trunk");

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

    private Sample sample(int side) {
        return Sample.of(
                "a wall",
                new Sample.Content(
                        RgbImage.filled(new ImageSize(side, side), 0x4080C0),
                        List.of(),
                        template.bindRow(JsonNodeFactory.instance.objectNode().put("scale", 0.7), FOLDER)));
    }

    private double accumulate(ActivationPolicy activations, int side, double share) {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(5)) {
            Draw draw = new Draw(400, generator.randn(DType.FLOAT32, 1, side * side / 256, 128));
            return new TrainingStep(pipeline, template, activations, warnings::add)
                    .accumulate(List.of(sample(side)), (_, _) -> draw, share);
        }
    }

    /// A measurement has the bits of training for the same draws, and leaves the gradients as they are.
    @Test
    void theLossesWithoutGradientsAreThoseOfTraining() {
        double loss = accumulate(new ActivationPolicy.Keep(), 32, 1);
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(5)) {
            Draw draw = new Draw(400, generator.randn(DType.FLOAT32, 1, 4, 128));
            List<float[]> before = gradients();
            TrainingStep step = new TrainingStep(pipeline, template, new ActivationPolicy.Keep(), warnings::add);
            Sample sample = sample(32);

            assertThat(step.losses(sample, sample, (_, _) -> draw, 2)).containsExactly(loss, loss);
            assertThat(step.losses(sample, null, (_, _) -> draw, 1)[0]).isNotEqualTo(loss);
            assertThat(gradients()).isNotEmpty().usingRecursiveComparison().isEqualTo(before);
        }
    }

    private List<float[]> gradients() {
        return trained.values().stream()
                .map(Parameter::gradient)
                .filter(Objects::nonNull)
                .map(gradient -> Tensors.toFloats(Objects.requireNonNull(gradient)))
                .toList();
    }

    @Test
    void captionsThatAreCutAreReportedOnce() {
        String caption = "red circle ".repeat(600);
        int tokens = Objects.requireNonNull(pipeline.models().textEncoder())
                .length(caption)
                .tokens();
        RgbImage image = RgbImage.filled(new ImageSize(32, 32), 0);
        Sample cut = Sample.of(caption, new Sample.Content(image, List.of(), null));
        TrainingStep step = new TrainingStep(pipeline, null, new ActivationPolicy.Keep(), warnings::add);
        try (Scope _ = new Scope()) {
            step.encode(sample(32));
            assertThat(warnings).isEmpty();
            step.encode(cut);
            step.encode(cut);
        }
        assertThat(warnings)
                .containsExactly(
                        "captions are cut: '%s...' has %s tokens with its chat template, the text encoder reads the first 512; the rest has no effect"
                                .formatted(caption.substring(0, 60), tokens));
    }

    private static DatasetRow row(int line) {
        return new DatasetRow(
                Path.of("0.png"), "a wall", List.of(), null, 1, null, Location.of(Path.of("rows.jsonl"), line));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "return inputs;|pipeline.models().encodePrompt(inputs.text()); return inputs;",
                "Tensor start =|context.pipeline().models().encodePrompt(inputs.text()); Tensor start ="
            })
    void aPromptOfTemplateInputsThatIsCutIsReportedOnce(String code, String encoding, @TempDir Path folder)
            throws IOException {
        Files.writeString(
                folder.resolve("Model.java"),
                Files.readString(FOLDER.resolve("Model.java"))
                        .replace("Input(double scale)", "Input(double scale, String text)")
                        .replace(code, encoding));
        String text = "red circle ".repeat(600);
        int tokens = Objects.requireNonNull(pipeline.models().textEncoder())
                .length(text)
                .tokens();
        RgbImage image = RgbImage.filled(new ImageSize(32, 32), 0);
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(5);
                LoadedTemplate<?, ?> encodes = new TemplateFolder(folder).load(pipeline)) {
            TrainingStep step = new TrainingStep(pipeline, encodes, new ActivationPolicy.Keep(), warnings::add);
            List<String> texts = List.of("a wall", text, text);
            for (int i = 0; i < texts.size(); i++) {
                var inputs = encodes.bindRow(
                        JsonNodeFactory.instance.objectNode().put("scale", 1).put("text", texts.get(i)), folder);
                Sample sample = Sample.of(row(i + 1), () -> new Sample.Content(image, List.of(), inputs));
                step.accumulate(List.of(sample), NoiseDraws.from(generator), 1);
            }
        }
        assertThat(warnings)
                .filteredOn(warning -> warning.contains("is cut"))
                .containsExactly(
                        "a prompt in template_inputs of rows.jsonl:2 is cut: it has %s tokens with its chat template, the text encoder reads the first 512; the rest has no effect"
                                .formatted(tokens));
    }

    /// Recording tokenises each prompt once more: it ends with the one warning. An outer recording shows when.
    @Test
    void promptsOfTemplateInputsAreRecordedUntilOneIsCut() {
        ForwardSettings settings = new ForwardSettings(warnings::add);
        List<Integer> outer = new ArrayList<>();
        for (String text : List.of("a wall", "red circle ".repeat(600), "red circle ".repeat(600))) {
            List<PromptLength> cuts = new ArrayList<>();
            try (Scope _ = new Scope()) {
                CutPrompts.record(
                        cuts,
                        () -> settings.reportingCuts(
                                null, () -> pipeline.models().encodePrompt(text)));
            }
            outer.add(cuts.size());
        }
        assertThat(warnings).singleElement().asString().startsWith("a prompt in template_inputs is cut: ");
        assertThat(outer).containsExactly(0, 0, 1);
    }

    /// A row may be read by another thread that waits for its own turn to seed the generators.
    @Test
    void rowsAreNotReadWhileTheGeneratorsAreSeeded() {
        List<Boolean> held = new ArrayList<>();
        Sample.Content content = sample(32).content().get();
        Sample sample = Sample.of(row(1), () -> {
                    held.add(ProcessRandom.isHeld());
                    return content;
                })
                .withSeeds(new Sample.Seeds(1, 2));
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(5)) {
            TrainingStep step = new TrainingStep(pipeline, template, new ActivationPolicy.Keep(), warnings::add);
            step.accumulate(List.of(sample), NoiseDraws.from(generator), 1);
            step.encode(sample);
            step.checkInputs(sample);
        }
        assertThat(held).isNotEmpty().doesNotContain(true);
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

    static List<ActivationPolicy> policies() {
        return List.of(
                new ActivationPolicy.Recompute(false),
                new ActivationPolicy.Recompute(true),
                new ActivationPolicy.Within(1, false),
                new ActivationPolicy.Within(100_000, false),
                new ActivationPolicy.Within(Long.MAX_VALUE, true));
    }

    @ParameterizedTest
    @MethodSource("policies")
    void recomputedAndKeptActivationsGiveTheSameGradients(ActivationPolicy policy) {
        try (Scope _ = new Scope()) {
            double plainLoss = accumulate(new ActivationPolicy.Keep(), 32, 1);
            Map<String, Tensor> plain = takeGradients();
            double checkpointedLoss = accumulate(policy, 32, 1);
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
            accumulate(new ActivationPolicy.Keep(), 32, 1);
            Tensor gradient = Objects.requireNonNull(takeGradients().get("pipe.template_model.last.bias"));
            Tensor bias = Objects.requireNonNull(trained.get("pipe.template_model.last.bias"))
                    .get()
                    .detach();
            Tensor direction = gradient.div(gradient.norm());
            double slope = Tensors.toDouble(gradient.norm());
            bias.add_(Ops.mul(direction, 0.01));
            double above = accumulate(new ActivationPolicy.Keep(), 32, 1);
            bias.add_(Ops.mul(direction, -0.02));
            double below = accumulate(new ActivationPolicy.Keep(), 32, 1);
            assertThat((above - below) / 0.02).isCloseTo(slope, within(0.02 * slope));
        }
    }

    @Test
    void sharesOfTheGradientAddUp() {
        try (Scope _ = new Scope()) {
            accumulate(new ActivationPolicy.Keep(), 32, 1);
            Map<String, Tensor> whole = takeGradients();
            accumulate(new ActivationPolicy.Keep(), 32, 0.25);
            accumulate(new ActivationPolicy.Keep(), 32, 0.75);
            Map<String, Tensor> sum = takeGradients();
            whole.forEach((name, gradient) ->
                    TensorAssert.assertClose(name, Objects.requireNonNull(sum.get(name)), gradient, 1e-5));
        }
    }

    @Test
    void aSettingWithoutAPartInTrainingIsWarnedOfOnce() {
        TrainingStep step = new TrainingStep(pipeline, template, new ActivationPolicy.Keep(), warnings::add);
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(5)) {
            step.accumulate(List.of(sample(32)), NoiseDraws.from(generator), 1);
            step.accumulate(List.of(sample(32)), NoiseDraws.from(generator), 1);
        }
        assertThat(warnings).containsExactly("the Template sets denoising_strength, which has no part in training");
    }
}
