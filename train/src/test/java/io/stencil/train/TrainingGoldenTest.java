package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.stencil.autograd.ActivationPolicy;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.Warnings;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.Golden;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import io.stencil.train.checkpoint.TrainableParts;
import io.stencil.train.data.Sample;
import io.stencil.train.optim.AdamW;
import io.stencil.train.step.NoiseDraws.Draw;
import io.stencil.train.step.TrainingStep;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

/// Twelve steps with the reference's noise and timesteps.
class TrainingGoldenTest {

    /// What came of the twelve steps.
    private record Run(List<Double> losses, Map<String, OwnedTensor> firstGradients, Map<String, OwnedTensor> weights)
            implements AutoCloseable {
        @Override
        public void close() {
            firstGradients.values().forEach(OwnedTensor::close);
            weights.values().forEach(OwnedTensor::close);
        }
    }

    private static Run train(Golden golden, ActivationPolicy activations) throws IOException {
        JsonNode arguments = new JsonMapper().readTree(golden.json());
        long count = golden.tensor("scales").size(0);
        long[] indices = Tensors.toLongs(golden.tensor("timestep_ids"));
        Run run = new Run(new ArrayList<>(), new LinkedHashMap<>(), new LinkedHashMap<>());
        try (Flux2Pipeline pipeline = Flux2Pipeline.load(ModelFiles.in(TestFiles.tinyModel("")), TinyTraining.FLOAT32);
                LoadedTemplate<?, ?> template = TinyTraining.template(pipeline)) {
            List<Sample> samples = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                double scale = golden.tensor("scales").select(0, i).item_double();
                RgbImage image = RgbImageReader.read(
                        TestFiles.golden(arguments.path("images").get(i).asText()));
                var inputs =
                        template.bindRow(JsonNodeFactory.instance.objectNode().put("scale", scale), TestFiles.root());
                samples.add(Sample.of(arguments.path("prompt").asText(), new Sample.Content(image, List.of(), inputs)));
            }
            Map<String, Parameter> trained = TrainableParts.select(List.of("template_model"), pipeline, template)
                    .parameters();
            TrainingStep step = new TrainingStep(pipeline, template, activations, Warnings.logged());
            try (AdamW optimizer = new AdamW(
                    trained.values(),
                    AdamW.Settings.withDecay(arguments.path("weight_decay").doubleValue()))) {
                for (int i = 0; i < indices.length; i++) {
                    Draw draw = new Draw((int) indices[i], golden.tensor("noise_" + i));
                    run.losses().add(step.accumulate(List.of(samples.get(i % samples.size())), (_, _) -> draw, 1));
                    if (i == 0) {
                        keepGradients(trained, run.firstGradients());
                    }
                    optimizer.update(arguments.path("lr").doubleValue());
                }
            }
            trained.forEach((name, parameter) -> run.weights()
                    .put(name, new OwnedTensor(parameter.get().detach().clone())));
        }
        return run;
    }

    private static void keepGradients(Map<String, Parameter> trained, Map<String, OwnedTensor> kept) {
        trained.forEach((name, parameter) -> {
            Tensor gradient = parameter.gradient();
            if (gradient != null) {
                kept.put(name, new OwnedTensor(gradient.clone()));
            }
        });
    }

    private static void compare(Golden golden, String prefix, Map<String, OwnedTensor> found, double tolerance) {
        int compared = 0;
        for (String name : golden.tensors().keySet()) {
            if (name.startsWith(prefix)) {
                OwnedTensor one = Objects.requireNonNull(
                        found.get("pipe.template_model." + name.substring(prefix.length())), name);
                TensorAssert.assertClose(name, one.get(), golden.tensor(name), tolerance);
                compared++;
            }
        }
        assertThat(compared).isEqualTo(20);
    }

    @Test
    void lossesFirstGradientsAndFinalWeightsEqualTheReferences() throws IOException {
        try (Scope _ = new Scope()) {
            Golden golden = Golden.read("train.safetensors");
            try (Run run = train(golden, new ActivationPolicy.Keep())) {
                Tensor losses = Tensors.of(floats(run.losses()), run.losses().size());
                for (int i = 0; i < 12; i++) {
                    TensorAssert.assertClose(
                            "loss " + i,
                            losses.narrow(0, i, 1),
                            golden.tensor("losses").narrow(0, i, 1),
                            1e-5);
                }
                compare(golden, "grad0.", run.firstGradients(), 1e-4);
                compare(golden, "final.", run.weights(), 1e-4);
            }
        }
    }

    @Test
    void recomputedActivationsGiveTheSameTraining() throws IOException {
        try (Scope _ = new Scope()) {
            Golden golden = Golden.read("train.safetensors");
            try (Run plain = train(golden, new ActivationPolicy.Keep());
                    Run checkpointed = train(golden, new ActivationPolicy.Recompute(false))) {
                assertThat(checkpointed.firstGradients().keySet())
                        .isEqualTo(plain.firstGradients().keySet());
                plain.firstGradients()
                        .forEach((name, gradient) -> TensorAssert.assertClose(
                                name,
                                Objects.requireNonNull(
                                                checkpointed.firstGradients().get(name))
                                        .get(),
                                gradient.get(),
                                1e-5));
                plain.weights()
                        .forEach((name, weight) -> TensorAssert.assertClose(
                                name,
                                Objects.requireNonNull(checkpointed.weights().get(name))
                                        .get(),
                                weight.get(),
                                1e-5));
                TensorAssert.assertClose(
                        "losses",
                        Tensors.of(floats(checkpointed.losses()), 12),
                        Tensors.of(floats(plain.losses()), 12),
                        1e-5);
            }
        }
    }

    private static float[] floats(List<Double> values) {
        float[] floats = new float[values.size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = values.get(i).floatValue();
        }
        return floats;
    }
}
