package io.stencil.train.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.stencil.autograd.ActivationPolicy;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.image.ImageSize;
import io.stencil.image.Mask;
import io.stencil.image.RgbImage;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.Warnings;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.LoadedTemplate.BoundInput;
import io.stencil.template.load.TemplateFolder;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import io.stencil.train.checkpoint.TrainableParts;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.Sample;
import io.stencil.train.encodings.EncodingCache;
import io.stencil.train.options.ObjectiveOptions.TimestepWeighting;
import io.stencil.train.step.NoiseDraws.Draw;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Samples that go through the transformer together learn what they would learn one after another.
class BatchStepTest {

    private static final Path LORA_TEMPLATE =
            TestFiles.root().resolve("train/src/test/resources/templates/shared_trunk");

    private static Flux2Pipeline pipeline() {
        return Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), new LoadOptions(DType.FLOAT32, Device.CPU));
    }

    private static Sample sample(int colour, String prompt, int side) {
        RgbImage image = RgbImage.filled(new ImageSize(side, side), colour);
        return Sample.of(prompt, new Sample.Content(image, List.of(image), null));
    }

    private static final List<Sample> SAMPLES =
            List.of(sample(0x4080C0, "a wall", 32), sample(0xC08040, "a red circle", 32));

    private static Sample steered(Sample sample, LoadedTemplate<?, ?> template, double scale) {
        BoundInput<?, ?> inputs =
                template.bindRow(JsonNodeFactory.instance.objectNode().put("scale", scale), TestFiles.root());
        Sample.Content content = sample.content().get();
        return Sample.of(
                sample.prompt(), new Sample.Content(content.image(), content.editImages(), inputs, content.mask()));
    }

    /// The same sample whose tokens count as much as four grey levels say.
    private static Sample masked(Sample sample, int... levels) {
        byte[] rgb = new byte[32 * 32 * 3];
        for (int i = 0; i < rgb.length; i++) {
            int x = i / 3 % 32;
            int y = i / 3 / 32;
            rgb[i] = (byte) levels[y / 16 * 2 + x / 16];
        }
        Sample.Content content = sample.content().get();
        Mask mask = Mask.averaged(RgbImage.of(32, 32, rgb), 16);
        return Sample.of(
                sample.prompt(), new Sample.Content(content.image(), content.editImages(), content.inputs(), mask));
    }

    /// Gradients of every trained parameter, owned by the caller's scope, and freed in the parameters.
    private static Map<String, Tensor> take(Map<String, Parameter> trained) {
        Map<String, Tensor> gradients = new LinkedHashMap<>();
        trained.forEach((name, one) -> {
            gradients.put(name, Objects.requireNonNull(one.gradient(), name).clone());
            one.clearGradient();
        });
        return gradients;
    }

    private static void compare(
            List<String> parts, LoadedTemplate<?, ?> template, Flux2Pipeline pipeline, TimestepWeighting weighting) {
        compare(parts, template, pipeline, weighting, SAMPLES);
    }

    private static void compare(
            List<String> parts,
            LoadedTemplate<?, ?> template,
            Flux2Pipeline pipeline,
            TimestepWeighting weighting,
            List<Sample> unsteered) {
        Map<String, Parameter> trained =
                TrainableParts.select(parts, pipeline, template).parameters();
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(5)) {
            List<Draw> draws = List.of(
                    new Draw(200, generator.randn(DType.FLOAT32, 1, 4, 128)),
                    new Draw(700, generator.randn(DType.FLOAT32, 1, 4, 128)));
            TrainingStep step = new TrainingStep(
                    pipeline,
                    template,
                    new TrainingStep.Settings(new ActivationPolicy.Keep(), weighting, null),
                    Warnings.logged());
            List<Sample> samples =
                    List.of(steered(unsteered.get(0), template, 0.7), steered(unsteered.get(1), template, 0.2));
            double single = 0;
            for (int i = 0; i < 2; i++) {
                Draw draw = draws.get(i);
                single += 0.5 * step.accumulate(List.of(samples.get(i)), (_, _) -> draw, 0.5);
            }
            Map<String, Tensor> expected = take(trained);
            ArrayDeque<Draw> queue = new ArrayDeque<>(draws);
            double together = step.accumulate(samples, (_, _) -> queue.remove(), 1);
            assertThat(together).isCloseTo(single, within(1e-6 * single));
            Map<String, Tensor> found = take(trained);
            expected.forEach((name, gradient) ->
                    TensorAssert.assertClose(name, Objects.requireNonNull(found.get(name)), gradient, 2e-5));
        }
    }

    @ParameterizedTest
    @EnumSource
    void aBatchGivesTheMeanGradientOfItsSamples(TimestepWeighting weighting) {
        try (Flux2Pipeline pipeline = pipeline();
                LoadedTemplate<?, ?> template =
                        new TemplateFolder(TestFiles.golden("template_train_start")).load(pipeline)) {
            compare(List.of("template_model", "dit.proj_out", "dit.x_embedder"), template, pipeline, weighting);
        }
    }

    /// One sample with a mask and one without.
    @Test
    void aBatchWithMasksGivesTheMeanGradientOfItsSamples() {
        try (Flux2Pipeline pipeline = pipeline();
                LoadedTemplate<?, ?> template =
                        new TemplateFolder(TestFiles.golden("template_train_start")).load(pipeline)) {
            List<Sample> samples = List.of(masked(SAMPLES.get(0), 0, 255, 51, 0), SAMPLES.get(1));
            compare(List.of("template_model", "dit.proj_out"), template, pipeline, TimestepWeighting.BELL, samples);
        }
    }

    /// The loss under a mask is the mean of those of the single tokens, weighted by the mask.
    @Test
    void theLossOfAMaskedSampleIsTheMeanOfItsTokens() {
        try (Flux2Pipeline pipeline = pipeline();
                Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(5)) {
            Draw draw = new Draw(300, generator.randn(DType.FLOAT32, 1, 4, 128));
            TrainingStep step = new TrainingStep(pipeline, null, new ActivationPolicy.Keep(), Warnings.logged());
            Sample sample = SAMPLES.getFirst();
            double first = lossOf(step, masked(sample, 255, 0, 0, 0), draw);
            double second = lossOf(step, masked(sample, 0, 255, 0, 0), draw);
            double third = lossOf(step, masked(sample, 0, 0, 1, 0), draw);
            double fourth = lossOf(step, masked(sample, 0, 0, 0, 128), draw);

            assertThat(List.of(first, second, third, fourth)).doesNotHaveDuplicates();
            double expected = (51 * first + 204 * third + 255 * fourth) / 510;
            assertThat(lossOf(step, masked(sample, 51, 0, 204, 255), draw))
                    .isCloseTo(expected, within(1e-6 * expected));
            double whole = (first + second + third + fourth) / 4;
            assertThat(lossOf(step, sample, draw)).isCloseTo(whole, within(1e-6 * whole));
        }
    }

    private static double lossOf(TrainingStep step, Sample sample, Draw draw) {
        return step.losses(sample, null, (_, _) -> draw, 1)[0];
    }

    /// A Template with a LoRA, keys and values, and words of their own for each sample.
    @Test
    void everySampleOfABatchHasItsOwnLora() {
        try (Flux2Pipeline pipeline = pipeline();
                LoadedTemplate<?, ?> template = new TemplateFolder(LORA_TEMPLATE).load(pipeline)) {
            List<String> parts = List.of(
                    "template_model.seeds", "template_model.first", "template_model.last", "template_model.text");
            compare(parts, template, pipeline, TimestepWeighting.NONE);
        }
    }

    /// The second time a row comes, what it says is not looked at any more.
    @Test
    void processedInputsAreKeptByRow() {
        try (Flux2Pipeline pipeline = pipeline();
                LoadedTemplate<?, ?> template =
                        new TemplateFolder(TestFiles.golden("template_train_start")).load(pipeline);
                EncodingCache cache = new EncodingCache()) {
            TrainingStep cached = new TrainingStep(
                    pipeline,
                    template,
                    new TrainingStep.Settings(new ActivationPolicy.Keep(), TimestepWeighting.NONE, cache),
                    Warnings.logged());
            DatasetRow first = row();
            DatasetRow second = row();
            double dark = loss(cached, ofRow(first, template, 0.1));
            double bright = loss(cached, ofRow(second, template, 0.9));
            assertThat(dark).isNotEqualTo(bright);
            assertThat(loss(cached, ofRow(first, template, 0.5))).isEqualTo(dark);
            assertThat(loss(cached, ofRow(second, template, 0.5))).isEqualTo(bright);
        }
    }

    private static DatasetRow row() {
        return row(1);
    }

    private static DatasetRow row(double weight) {
        String prompt = SAMPLES.getFirst().prompt();
        return new DatasetRow(
                Path.of("0.png"), prompt, List.of(), null, weight, null, Location.of(Path.of("rows.jsonl"), 1));
    }

    @Test
    void theWeightOfARowMultipliesItsLossAndGradient() {
        try (Flux2Pipeline pipeline = pipeline();
                LoadedTemplate<?, ?> template =
                        new TemplateFolder(TestFiles.golden("template_train_start")).load(pipeline);
                Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(5)) {
            Map<String, Parameter> trained = TrainableParts.select(List.of("template_model"), pipeline, template)
                    .parameters();
            TrainingStep step = new TrainingStep(
                    pipeline,
                    template,
                    new TrainingStep.Settings(new ActivationPolicy.Keep(), TimestepWeighting.NONE, null),
                    Warnings.logged());
            List<Draw> draws = List.of(
                    new Draw(200, generator.randn(DType.FLOAT32, 1, 4, 128)),
                    new Draw(700, generator.randn(DType.FLOAT32, 1, 4, 128)));
            double first = step.accumulate(List.of(ofRow(row(1), template, 0.7)), (_, _) -> draws.get(0), 1.0);
            double second = step.accumulate(List.of(ofRow(row(1), template, 0.2)), (_, _) -> draws.get(1), 0.25);
            Map<String, Tensor> expected = take(trained);
            ArrayDeque<Draw> queue = new ArrayDeque<>(draws);
            double together = step.accumulate(
                    List.of(ofRow(row(2), template, 0.7), ofRow(row(0.5), template, 0.2)), (_, _) -> queue.remove(), 1);
            assertThat(together).isCloseTo((2 * first + 0.5 * second) / 2, within(1e-6 * first));
            Map<String, Tensor> found = take(trained);
            expected.forEach((name, gradient) ->
                    TensorAssert.assertClose(name, Objects.requireNonNull(found.get(name)), gradient, 2e-5));
            assertThat(step.accumulate(List.of(ofRow(row(0), template, 0.7)), (_, _) -> draws.get(0), 1))
                    .isZero();
        }
    }

    private static Sample ofRow(DatasetRow row, LoadedTemplate<?, ?> template, double scale) {
        return Sample.of(row, steered(SAMPLES.getFirst(), template, scale).content());
    }

    @Test
    void whatCannotBeBatchedIsRefused() {
        try (Flux2Pipeline pipeline = pipeline();
                Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(5)) {
            NoiseDraws draws = NoiseDraws.from(generator);
            TrainingStep plain = new TrainingStep(pipeline, null, new ActivationPolicy.Keep(), Warnings.logged());
            List<Sample> uneven = new ArrayList<>(SAMPLES);
            uneven.add(sample(0, "", 64));
            assertThatThrownBy(() -> plain.accumulate(uneven, draws, 1))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageStartingWith("'batch_size': images of a batch must be alike, found [1, 4, 128] and");
        }
    }

    @Test
    void keptEncodingsAreTheSame() {
        try (Flux2Pipeline pipeline = pipeline();
                EncodingCache cache = new EncodingCache()) {
            TrainingStep.Settings settings =
                    new TrainingStep.Settings(new ActivationPolicy.Keep(), TimestepWeighting.NONE, cache);
            TrainingStep cached = new TrainingStep(pipeline, null, settings, Warnings.logged());
            TrainingStep plain = new TrainingStep(
                    pipeline,
                    null,
                    new TrainingStep.Settings(new ActivationPolicy.Keep(), TimestepWeighting.NONE, null),
                    Warnings.logged());
            List<Integer> decoded = new ArrayList<>();
            Sample sample = SAMPLES.getFirst();
            Sample keyed = Sample.of(row(), () -> {
                decoded.add(1);
                return sample.content().get();
            });
            List<Double> losses = new ArrayList<>();
            for (Sample one : List.of(keyed, keyed, keyed.withPrompt(""), keyed)) {
                losses.add(loss(cached, one));
            }
            assertThat(decoded).hasSize(1);
            assertThat(cache.imageCount()).isEqualTo(1);
            assertThat(cache.promptCount()).isEqualTo(2);
            double expected = loss(plain, sample);
            assertThat(losses.get(0)).isEqualTo(expected);
            assertThat(losses.get(1)).isEqualTo(expected);
            assertThat(losses.get(2)).isEqualTo(loss(plain, sample.withPrompt("")));
            assertThat(losses.get(2)).isNotEqualTo(expected);
            assertThat(losses.get(3)).isEqualTo(expected);
        }
    }

    private static double loss(TrainingStep step, Sample sample) {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(9)) {
            Draw draw = new Draw(400, generator.randn(DType.FLOAT32, 1, 4, 128));
            return step.accumulate(List.of(sample), (_, _) -> draw, 1);
        }
    }
}
