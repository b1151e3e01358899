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
import io.stencil.flux2.transformer.TransformerInput;
import io.stencil.nn.Lora;
import io.stencil.nn.LoraBinding;
import io.stencil.pipeline.Conditioning;
import io.stencil.pipeline.EditImages;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.template.ForwardContext;
import io.stencil.template.PipelineSetting;
import io.stencil.template.TemplateCache;
import io.stencil.template.Warnings;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.LoadedTemplate.BoundInput;
import io.stencil.template.load.LoadedTemplate.PreparedInput;
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

    /// Encodes a sample in the stages without gradients: all that [#accumulate] needs of it.
    ///
    /// @return tensors that the caller's scope owns
    public SampleEncodings encode(StepSample sample) {
        try (Scope scope = new Scope();
                GradMode _ = GradMode.disabled()) {
            PreparedInput<?> prepared = template == null ? null : prepare(template, sample);
            Conditioning conditioning = condition(sample, List.of()).conditioning();
            Conditioning.Images images = new Conditioning.Images(
                    scope.keep(latents(conditioning)),
                    conditioning.images().references().stream()
                            .map(image -> new ImageTokens(scope.keep(image.latents()), scope.keep(image.ids())))
                            .toList());
            return new SampleEncodings(
                    new Conditioning(images, scope.keep(conditioning.promptEmbeds())),
                    prepared == null ? null : prepared.map(scope::keep));
        }
    }

    private static Tensor latents(Conditioning conditioning) {
        return Objects.requireNonNull(conditioning.images().latents());
    }

    /// The transformer's input for a sample.
    private record Encoded(ImageTokens clean, List<ImageTokens> references, TextTokens text, double guidance) {}

    private Encoded encode(StepSample sample, TemplateCache cache) {
        Conditioned conditioned = condition(sample, cache.settings());
        Conditioning conditioning = conditioned.conditioning();
        return new Encoded(
                ImageTokens.ofLatents(latents(conditioning)), // ids stay on the CPU, as those that they are joined with
                conditioning.images().references(),
                conditioning.textTokens(models, cache.textEmbedding()),
                conditioned.guidance());
    }

    /// Encodings of a sample and the embedded guidance.
    private record Conditioned(Conditioning conditioning, double guidance) {}

    /// Encodes a sample's images and prompt without gradients, except for those whose encodings are kept.
    ///
    /// @param template settings that a Template gives
    private Conditioned condition(StepSample sample, List<PipelineSetting> template) {
        boolean templateReferences = template.stream().anyMatch(PipelineSetting.References.class::isInstance);
        Encodings cache = templateReferences ? null : how.cache(); // which belong to the Template, not to the row
        Conditioning.Images images = cache == null ? null : cache.images(sample.key());
        Tensor embeds = cache == null ? null : cache.promptEmbeds(sample.key(), sample.prompt());
        boolean isKept = images != null && embeds != null;
        TrainingSample content = images == null ? sample.content().get() : null;
        ForwardSettings.Values values = settings.of(template, content == null ? null : editImages(content));
        if (embeds == null && models.textEncoder() != null) {
            settings.caption(sample.prompt(), models.textEncoder());
        }
        try (GradMode _ = GradMode.disabled()) { // contiguous, as from a file
            if (content != null) {
                Conditioning.Images encoded = Conditioning.Images.encode(models, content.image(), values.editImages());
                images = new Conditioning.Images(
                        Objects.requireNonNull(encoded.latents()).contiguous(), encoded.references());
            }
            if (embeds == null) {
                embeds = models.encodePrompt(sample.prompt()).contiguous();
            }
        }
        Conditioning conditioning = new Conditioning(Objects.requireNonNull(images), embeds);
        if (cache != null && !isKept) {
            cache.keep(sample.key(), sample.prompt(), conditioning);
        }
        return new Conditioned(conditioning, values.embeddedGuidance());
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
