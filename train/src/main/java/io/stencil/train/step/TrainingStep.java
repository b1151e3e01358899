package io.stencil.train.step;

import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.GradMode;
import io.stencil.autograd.GradientTape;
import io.stencil.flux2.schedule.FlowMatchSchedule;
import io.stencil.flux2.schedule.TrainingWeights;
import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.flux2.transformer.TokenIds;
import io.stencil.flux2.transformer.TransformerInput;
import io.stencil.nn.LoraBinding;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.pipeline.stage.EditImages;
import io.stencil.pipeline.stage.LatentTokens;
import io.stencil.pipeline.stage.Ports;
import io.stencil.pipeline.stage.ReferenceTokens;
import io.stencil.pipeline.unit.PortValues;
import io.stencil.pipeline.unit.UnitRunner;
import io.stencil.template.ForwardContext;
import io.stencil.template.TemplateCache;
import io.stencil.template.Warnings;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.PreparedInput;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.train.data.TrainingSample;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Flow-matching training on one sample (Lipman et al. 2022, arXiv:2210.02747): the squared error between the
/// velocity that the steered transformer predicts for a noised picture and the true one, weighted by the timestep.
///
/// Noised latents and target are computed in float32 whatever the pipeline's dtype; the noise is drawn in the
/// pipeline's.
public final class TrainingStep {

    private final ModelSet models;
    private final @Nullable LoadedTemplate<?, ?> template;
    private final boolean checkpointed;
    private final ForwardSettings settings;
    private final UnitPlan plan;
    private final Flux2Pipeline pipeline;
    private final FlowMatchSchedule schedule = FlowMatchSchedule.training();
    private final TrainingWeights weights = TrainingWeights.of(schedule);

    /// @param pipeline stays the caller's
    /// @param template stays the caller's; null trains the transformer without one
    /// @param checkpointed recomputes activations in the backward pass in place of keeping them
    public TrainingStep(
            Flux2Pipeline pipeline, @Nullable LoadedTemplate<?, ?> template, boolean checkpointed, Warnings warnings) {
        this.pipeline = pipeline;
        this.models = pipeline.models();
        this.template = template;
        this.checkpointed = checkpointed;
        this.settings = new ForwardSettings(warnings);
        this.plan = UnitPlan.of(
                pipeline.units(),
                Set.of(Ports.INPUT_LATENTS, Ports.REFERENCES, Ports.TEXT),
                Set.of(Ports.TEXT_EMBEDDING));
    }

    /// Adds the gradients of one sample's loss to those of the trainable parameters.
    ///
    /// @param share of the gradients that is added: 1 over the samples of one update
    /// @return the sample's loss
    public double accumulate(TrainingSample sample, NoiseDraws draws, double share) {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.enabled();
                GradientTape tape = new GradientTape()) {
            Checkpointing checkpointing = checkpointed ? tape : Checkpointing.OFF;
            GradientCut cut = new GradientCut(steer(sample, checkpointing));
            Encoded inputs = encode(sample, cut.cache());
            Draw draw = draws.next(models.dtype(), Tensors.shape(inputs.clean().latents()));
            try (LoraBinding _ =
                    LoraBinding.bind(models.requireTransformer(), cut.cache().lora())) {
                Tensor loss = loss(inputs, draw, cut.cache(), checkpointing);
                double value = Tensors.toDouble(loss);
                if (loss.requires_grad()) {
                    tape.backward(Ops.mul(loss, share));
                }
                cut.backward(tape);
                return value;
            }
        }
    }

    private TemplateCache steer(TrainingSample sample, Checkpointing checkpointing) {
        if (template == null) {
            return TemplateCache.empty();
        }
        PreparedInput<?> prepared =
                template.prepareRow(Objects.requireNonNull(sample.templateInputs()), sample.folder(), pipeline);
        return prepared.forward(new ForwardContext(pipeline, checkpointing));
    }

    /// What the pipeline's units made of a sample.
    private record Encoded(ImageTokens clean, PortValues side, double guidance) {}

    private Encoded encode(TrainingSample sample, TemplateCache cache) {
        ForwardSettings.Values values = settings.of(cache.settings(), editImages(sample));
        PortValues shared = PortValues.shared()
                .set(Ports.SIZE, sample.image().size())
                .set(Ports.INPUT_IMAGE, sample.image())
                .set(Ports.EDIT_IMAGES, values.editImages());
        PortValues side =
                shared.side().set(Ports.PROMPT, sample.prompt()).set(Ports.TEXT_EMBEDDING, cache.textEmbedding());
        try (GradMode _ = GradMode.disabled()) {
            new UnitRunner(plan.fixed()).run(shared, List.of(side));
        }
        new UnitRunner(plan.trained()).run(shared, List.of(side));
        Tensor latents = shared.get(Ports.INPUT_LATENTS); // [1, 128, H/16, W/16]
        int rows = Math.toIntExact(latents.size(2));
        int columns = Math.toIntExact(latents.size(3));
        Tensor ids = models.device().place(TokenIds.image(rows, columns));
        return new Encoded(new ImageTokens(LatentTokens.fromPicture(latents), ids), side, values.embeddedGuidance());
    }

    /// Pictures of a dataset are at their size already.
    private static @Nullable EditImages editImages(TrainingSample sample) {
        return sample.editImages().isEmpty() ? null : new EditImages(sample.editImages(), false);
    }

    private Tensor loss(Encoded inputs, Draw draw, TemplateCache cache, Checkpointing checkpointing) {
        Device device = models.device();
        int index = draw.timestepIndex();
        Tensor clean = DType.FLOAT32.cast(inputs.clean().latents()); // [1, S, 128]
        Tensor noise = device.place(draw.noise(), DType.FLOAT32);
        Tensor noised = models.compute().cast(schedule.addNoise(clean, noise, index));
        TransformerInput input = new TransformerInput(
                new ImageTokens(noised, inputs.clean().ids()),
                inputs.side()
                        .find(Ports.REFERENCES)
                        .orElse(ReferenceTokens.none())
                        .images(),
                inputs.side().get(Ports.TEXT),
                Tensors.full(schedule.timestep(index), DType.FLOAT32, device, 1),
                inputs.guidance(),
                cache.kvCache());
        Tensor velocity = models.requireTransformer().forward(input, checkpointing);
        Tensor error = Ops.meanSquaredError(velocity, FlowMatchSchedule.target(clean, noise));
        return Ops.mul(error, weights.weight(index));
    }
}
