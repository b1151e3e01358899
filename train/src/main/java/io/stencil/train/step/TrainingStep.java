package io.stencil.train.step;

import io.stencil.autograd.ActivationPolicy;
import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.GradMode;
import io.stencil.autograd.GradientTape;
import io.stencil.error.StencilException;
import io.stencil.error.TemplateException;
import io.stencil.flux2.schedule.FlowMatchSchedule;
import io.stencil.flux2.schedule.TrainingWeights;
import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.flux2.transformer.TextTokens;
import io.stencil.flux2.transformer.TokenIds;
import io.stencil.flux2.transformer.TransformerInput;
import io.stencil.nn.Lora;
import io.stencil.nn.LoraBinding;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.pipeline.stage.EditImages;
import io.stencil.pipeline.stage.LatentTokens;
import io.stencil.pipeline.stage.Ports;
import io.stencil.pipeline.stage.ReferenceTokens;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.pipeline.unit.PipelineUnit;
import io.stencil.pipeline.unit.PortValues;
import io.stencil.pipeline.unit.UnitRunner;
import io.stencil.template.ForwardContext;
import io.stencil.template.PipelineSetting;
import io.stencil.template.TemplateCache;
import io.stencil.template.Warnings;
import io.stencil.template.load.BoundInput;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.PreparedInput;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.ProcessRandom;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.TrainingSample;
import io.stencil.train.options.TimestepWeighting;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Flow-matching training (Lipman et al. 2022, arXiv:2210.02747): the squared error between the velocity that the
/// steered transformer predicts for a noised picture and the true one, weighted by the timestep.
///
/// Noised latents and target are computed in float32 whatever the pipeline's dtype; the noise is drawn in the
/// pipeline's.
public final class TrainingStep {

    /// How a step works.
    ///
    /// @param activations what is kept of a forward pass for the backward pass
    /// @param weighting how much each timestep counts
    /// @param cache where encodings are kept, which stays the caller's; null encodes anew each time
    public record Settings(
            ActivationPolicy activations,
            TimestepWeighting weighting,
            @Nullable Encodings cache) {}

    private final ModelSet models;
    private final @Nullable LoadedTemplate<?, ?> template;
    private final Settings how;
    private final ForwardSettings settings;
    private final UnitPlan plan;
    private final Flux2Pipeline pipeline;
    private final FlowMatchSchedule schedule = FlowMatchSchedule.training();
    private final TrainingWeights weights = TrainingWeights.of(schedule);

    /// The reference implementation's weighting, without a cache.
    ///
    /// @param pipeline stays the caller's
    /// @param template stays the caller's; null trains the transformer without one
    /// @param activations what is kept of a forward pass for the backward pass
    public TrainingStep(
            Flux2Pipeline pipeline,
            @Nullable LoadedTemplate<?, ?> template,
            ActivationPolicy activations,
            Warnings warnings) {
        this(pipeline, template, new Settings(activations, TimestepWeighting.BELL, null), warnings);
    }

    /// @param pipeline stays the caller's
    /// @param template stays the caller's; null trains the transformer without one
    public TrainingStep(
            Flux2Pipeline pipeline, @Nullable LoadedTemplate<?, ?> template, Settings settings, Warnings warnings) {
        this.pipeline = pipeline;
        this.models = pipeline.models();
        this.template = template;
        this.how = settings;
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
        return accumulate(List.of(StepSample.of(sample)), draws, share);
    }

    /// Adds the gradients of the mean loss of a batch, whose samples go through the transformer together.
    ///
    /// @param samples at least one, with pictures of one size
    /// @param draws asked once for each sample, in their order
    /// @param share of the gradients that is added: 1 over the batches of one update
    /// @return the mean loss
    /// @throws io.stencil.error.InvalidRequestException when the samples do not fit into one batch
    public double accumulate(List<StepSample> samples, NoiseDraws draws, double share) {
        try (Scope _ = new Scope()) {
            return Tensors.toDouble(accumulateLater(samples, draws, share));
        }
    }

    /// The same without waiting for the device.
    ///
    /// @return the mean loss, one number on the device, owned by the caller's scope
    public Tensor accumulateLater(List<StepSample> samples, NoiseDraws draws, double share) {
        try (Scope scope = new Scope();
                GradMode _ = GradMode.enabled();
                GradientTape tape = new GradientTape()) {
            Checkpointing checkpointing = how.activations().on(tape);
            List<GradientCut> cuts = samples.stream()
                    .map(sample -> new GradientCut(steer(sample, checkpointing)))
                    .toList();
            List<TemplateCache> caches = cuts.stream().map(GradientCut::cache).toList();
            List<Encoded> inputs = new ArrayList<>();
            List<Draw> drawn = new ArrayList<>();
            for (int i = 0; i < samples.size(); i++) {
                Encoded one = encode(samples.get(i), caches.get(i));
                inputs.add(one);
                drawn.add(draws.next(models.dtype(), Tensors.shape(one.clean().latents())));
            }
            Lora lora = Batch.loras(caches.stream().map(TemplateCache::lora).toList());
            KvCache kvCache =
                    Batch.kvCaches(caches.stream().map(TemplateCache::kvCache).toList());
            try (LoraBinding _ = LoraBinding.bind(models.requireTransformer(), lora)) {
                Tensor loss = loss(inputs, drawn, kvCache, checkpointing);
                if (loss.requires_grad()) {
                    tape.backward(Ops.mul(loss, share));
                }
                if (template != null) {
                    template.differentiate(() -> cuts.forEach(cut -> cut.backward(tape)));
                }
                return scope.keep(loss.detach());
            }
        }
    }

    private TemplateCache steer(StepSample sample, Checkpointing checkpointing) {
        if (template == null) {
            return TemplateCache.empty();
        }
        PreparedInput<?> prepared = prepare(template, sample);
        return seeded(
                sample.seeds(),
                StepSample.Seeds::step,
                () -> prepared.forward(new ForwardContext(pipeline, checkpointing)));
    }

    private static <T> T seeded(
            StepSample.@Nullable Seeds seeds, ToLongFunction<StepSample.Seeds> seed, Supplier<T> work) {
        return seeds == null ? work.get() : ProcessRandom.seeded(seed.applyAsLong(seeds), work);
    }

    private PreparedInput<?> prepare(LoadedTemplate<?, ?> steering, StepSample sample) {
        Encodings cache = how.cache();
        PreparedInput<?> kept = cache == null ? null : cache.prepared(sample.key(), steering);
        if (kept != null) {
            return kept;
        }
        PreparedInput<?> prepared = seeded(
                sample.seeds(),
                StepSample.Seeds::row,
                () -> process(sample).map(Tensor::contiguous)); // as it comes back from a file
        if (cache != null) {
            cache.keepPrepared(sample.key(), prepared);
        }
        return prepared;
    }

    /// @throws StencilException naming the row, where the sample is one of a dataset
    private PreparedInput<?> process(StepSample sample) {
        BoundInput<?, ?> inputs = Objects.requireNonNull(sample.content().get().inputs());
        try {
            return inputs.process(pipeline);
        } catch (TemplateException e) {
            throw sample.key() instanceof DatasetRow row
                    ? new TemplateException(
                            e.location(), "%s; called with the row %s".formatted(e.what(), row.location()), e)
                    : e;
        } catch (StencilException e) {
            throw sample.key() instanceof DatasetRow row ? Dataset.inputFault(row, e) : e;
        }
    }

    /// Runs the Template's stage without gradients on a sample and keeps nothing: a check before long work.
    ///
    /// @throws StencilException naming the row, where the sample is one of a dataset
    public void checkInputs(StepSample sample) {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled()) {
            var _ = ProcessRandom.seeded(0, () -> process(sample));
        }
    }

    /// What the stages without gradients make of a sample: all that [#accumulate] needs of it.
    ///
    /// @return tensors that the caller's scope owns
    public SampleEncodings encode(StepSample sample) {
        try (Scope scope = new Scope();
                GradMode _ = GradMode.disabled()) {
            PreparedInput<?> prepared = template == null ? null : prepare(template, sample);
            PortValues shared = PortValues.shared();
            PortValues side = shared.side().set(Ports.PROMPT, sample.prompt());
            encodeFixed(sample, TemplateCache.empty(), shared, side);
            return new SampleEncodings(
                    scope.keep(shared.get(Ports.INPUT_LATENTS)),
                    shared.find(Ports.REFERENCES).orElse(ReferenceTokens.none()).images().stream()
                            .map(one -> new ImageTokens(scope.keep(one.latents()), scope.keep(one.ids())))
                            .toList(),
                    scope.keep(side.get(Ports.PROMPT_EMBEDS)),
                    prepared == null ? null : prepared.map(scope::keep));
        }
    }

    /// What the pipeline's units made of a sample.
    private record Encoded(ImageTokens clean, List<ImageTokens> references, TextTokens text, double guidance) {}

    private Encoded encode(StepSample sample, TemplateCache cache) {
        PortValues shared = PortValues.shared();
        PortValues side =
                shared.side().set(Ports.PROMPT, sample.prompt()).set(Ports.TEXT_EMBEDDING, cache.textEmbedding());
        double guidance = encodeFixed(sample, cache, shared, side);
        new UnitRunner(plan.trained()).run(shared, List.of(side));
        Tensor latents = shared.get(Ports.INPUT_LATENTS); // [1, 128, H/16, W/16]
        int rows = Math.toIntExact(latents.size(2));
        int columns = Math.toIntExact(latents.size(3));
        Tensor ids = TokenIds.image(rows, columns); // joined with those of text and references, on the CPU
        return new Encoded(
                new ImageTokens(LatentTokens.fromPicture(latents), ids),
                side.find(Ports.REFERENCES).orElse(ReferenceTokens.none()).images(),
                side.get(Ports.TEXT),
                guidance);
    }

    /// Runs the units that nothing trained reaches, but for those whose results are kept.
    ///
    /// @return the embedded guidance
    private double encodeFixed(StepSample sample, TemplateCache template, PortValues shared, PortValues side) {
        boolean templateReferences =
                template.settings().stream().anyMatch(PipelineSetting.References.class::isInstance);
        Encodings cache = templateReferences ? null : how.cache(); // which belong to the Template, not to the row
        List<PipelineUnit> units =
                cache == null ? plan.fixed() : cache.restore(plan.fixed(), sample.key(), sample.prompt(), shared, side);
        EditImages editImages = null;
        if (needsPictures(units)) {
            TrainingSample pictures = sample.content().get();
            editImages = editImages(pictures);
            shared.set(Ports.SIZE, pictures.image().size()).set(Ports.INPUT_IMAGE, pictures.image());
        }
        ForwardSettings.Values values = settings.of(template.settings(), editImages);
        shared.set(Ports.EDIT_IMAGES, values.editImages());
        if (!units.isEmpty()) {
            if (needsPrompt(units) && models.textEncoder() != null) {
                settings.caption(sample.prompt(), models.textEncoder());
            }
            try (GradMode _ = GradMode.disabled()) {
                new UnitRunner(units).run(shared, List.of(side));
                shared.set(Ports.INPUT_LATENTS, shared.get(Ports.INPUT_LATENTS).contiguous());
                side.set(Ports.PROMPT_EMBEDS, side.get(Ports.PROMPT_EMBEDS).contiguous()); // as from a file
            }
            if (cache != null) {
                cache.keep(sample.key(), sample.prompt(), shared, side);
            }
        }
        return values.embeddedGuidance();
    }

    private static boolean needsPrompt(List<PipelineUnit> units) {
        return units.stream().anyMatch(unit -> unit.declaration().models().contains(ModelRole.TEXT_ENCODER));
    }

    private static boolean needsPictures(List<PipelineUnit> units) {
        return units.stream().anyMatch(unit -> unit.declaration().sides() == PipelineUnit.Sides.SHARED);
    }

    /// Pictures of a dataset are at their size already.
    private static @Nullable EditImages editImages(TrainingSample sample) {
        return sample.editImages().isEmpty() ? null : new EditImages(sample.editImages(), false);
    }

    private Tensor loss(List<Encoded> inputs, List<Draw> draws, KvCache kvCache, Checkpointing checkpointing) {
        Device device = models.device();
        List<Tensor> noised = new ArrayList<>();
        List<Tensor> targets = new ArrayList<>();
        List<Tensor> timesteps = new ArrayList<>();
        for (int i = 0; i < inputs.size(); i++) {
            int index = draws.get(i).timestepIndex();
            Tensor clean = DType.FLOAT32.cast(inputs.get(i).clean().latents()); // [1, S, 128]
            Tensor noise = device.place(draws.get(i).noise(), DType.FLOAT32);
            noised.add(models.compute().cast(schedule.addNoise(clean, noise, index)));
            targets.add(FlowMatchSchedule.target(clean, noise));
            timesteps.add(Tensors.full(schedule.timestep(index), DType.FLOAT32, device, 1));
        }
        TransformerInput input = new TransformerInput(
                new ImageTokens(
                        Batch.join("pictures", noised),
                        inputs.getFirst().clean().ids()),
                Batch.references(inputs.stream().map(Encoded::references).toList()),
                Batch.texts(inputs.stream().map(Encoded::text).toList()),
                Ops.cat(0, timesteps),
                Batch.same("guidance", inputs, Encoded::guidance),
                kvCache);
        Tensor velocity = models.requireTransformer().forward(input, checkpointing);
        return weighted(velocity, Ops.cat(0, targets), draws);
    }

    /// Mean over the batch of each sample's mean squared error, times the weight of its timestep.
    private Tensor weighted(Tensor velocity, Tensor target, List<Draw> draws) {
        double[] factors =
                draws.stream().mapToDouble(draw -> weight(draw.timestepIndex())).toArray();
        if (Arrays.stream(factors).allMatch(factor -> factor == factors[0])) {
            return Ops.mul(Ops.meanSquaredError(velocity, target), factors[0]);
        }
        float[] roots = new float[factors.length];
        for (int i = 0; i < roots.length; i++) {
            roots[i] = (float) Math.sqrt(factors[i]);
        }
        Tensor root = models.device().place(Tensors.of(roots, roots.length, 1, 1));
        return Ops.meanSquaredError(DType.FLOAT32.cast(velocity).mul(root), target.mul(root));
    }

    private double weight(int index) {
        return switch (how.weighting()) {
            case BELL -> weights.weight(index);
            case NONE -> 1;
        };
    }
}
