package io.stencil.train.step;

import io.stencil.autograd.ActivationPolicy;
import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.GradMode;
import io.stencil.autograd.GradientTape;
import io.stencil.error.StencilException;
import io.stencil.error.TemplateException;
import io.stencil.flux2.schedule.FlowMatchSchedule;
import io.stencil.flux2.schedule.TrainingWeights;
import io.stencil.flux2.transformer.BlockId;
import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.flux2.transformer.KeyValue;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.flux2.transformer.TextTokens;
import io.stencil.flux2.transformer.TransformerInput;
import io.stencil.image.Mask;
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
import io.stencil.train.data.Sample;
import io.stencil.train.encodings.Encoded;
import io.stencil.train.encodings.Encodings;
import io.stencil.train.options.ObjectiveOptions.TimestepWeighting;
import io.stencil.train.step.NoiseDraws.Draw;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Computes loss and gradients of flow matching (Lipman et al. 2022, arXiv:2210.02747): the squared error between the
/// velocity that the steered transformer predicts for a noised image and the true one, weighted by the timestep.
///
/// Noised latents and target are computed in float32 whatever the pipeline's dtype; the noise is drawn in the
/// pipeline's.
public final class TrainingStep {

    /// Configures a step.
    ///
    /// @param activations policy by which activations are kept for the backward pass
    /// @param weighting weight of each timestep in the loss
    /// @param cache of encodings, which stays the caller's; null encodes anew each time
    public record Settings(
            ActivationPolicy activations,
            TimestepWeighting weighting,
            @Nullable Encodings cache) {}

    private final ModelSet models;
    private final @Nullable LoadedTemplate<?, ?> template;
    private final Settings settings;
    private final ForwardSettings forward;
    private final Flux2Pipeline pipeline;
    private final FlowMatchSchedule schedule = FlowMatchSchedule.training();
    private final TrainingWeights weights = TrainingWeights.of(schedule);
    /// Whether the Template has given tensors that depend on its trained parameters.
    private boolean differentiable;

    /// The reference implementation's weighting, without a cache.
    ///
    /// @param pipeline stays the caller's
    /// @param template stays the caller's; null trains the transformer without one
    /// @param activations policy by which activations are kept for the backward pass
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
        this.settings = settings;
        this.forward = new ForwardSettings(warnings);
    }

    /// Adds the gradients of the mean loss of a batch, whose samples go through the transformer together.
    ///
    /// @param samples at least one, with images of one size
    /// @param draws one for each sample, in their order
    /// @param share of the gradients that is added: 1 over the batches of one update
    /// @return the mean loss
    /// @throws io.stencil.error.InvalidRequestException when the samples do not fit into one batch
    public double accumulate(List<Sample> samples, NoiseDraws draws, double share) {
        try (Scope _ = new Scope()) {
            return Tensors.toDouble(accumulateLater(samples, draws, share));
        }
    }

    /// The same without waiting for the device.
    ///
    /// @return the mean loss, one number on the device, owned by the caller's scope
    public Tensor accumulateLater(List<Sample> samples, NoiseDraws draws, double share) {
        try (Scope scope = new Scope();
                GradMode _ = GradMode.enabled();
                GradientTape tape = new GradientTape()) {
            Checkpointing checkpointing = settings.activations().on(tape);
            List<GradientCut> cuts = samples.stream()
                    .map(sample -> new GradientCut(steer(sample, checkpointing)))
                    .toList();
            requireGradients(cuts);
            List<TemplateCache> caches = cuts.stream().map(GradientCut::cache).toList();
            List<Tokens> inputs = new ArrayList<>();
            List<Draw> drawn = new ArrayList<>();
            for (int i = 0; i < samples.size(); i++) {
                Tokens input = tokens(samples.get(i), caches.get(i));
                inputs.add(input);
                drawn.add(draws.next(models.dtype(), Tensors.shape(input.clean().latents())));
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

    /// Computes the loss of one sample at several draws, without gradients.
    ///
    /// @param steering sample whose Template inputs steer the transformer; null leaves the Template out
    /// @param draws timesteps and noise of the losses
    /// @param count number of losses
    /// @return each with the weight of its timestep, as in training
    public double[] losses(Sample sample, @Nullable Sample steering, NoiseDraws draws, int count) {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled()) {
            TemplateCache cache = steering == null ? TemplateCache.empty() : steer(steering, Checkpointing.OFF);
            Tokens input = tokens(sample, cache);
            double[] losses = new double[count];
            try (LoraBinding _ = LoraBinding.bind(models.requireTransformer(), cache.lora())) {
                for (int i = 0; i < count; i++) {
                    try (Scope _ = new Scope()) {
                        Draw draw = draws.next(
                                models.dtype(), Tensors.shape(input.clean().latents()));
                        losses[i] = Tensors.toDouble(
                                loss(List.of(input), List.of(draw), cache.kvCache(), Checkpointing.OFF));
                    }
                }
            }
            return losses;
        }
    }

    /// Runs the Template's stage without gradients on a sample.
    ///
    /// @return processed input, whose tensors the caller's scope owns
    public PreparedInput<?> prepared(Sample sample) {
        try (GradMode _ = GradMode.disabled()) {
            return prepare(Objects.requireNonNull(template), sample);
        }
    }

    /// Requires that gradients reach the Template, until they have done so once: on some rows it may give constants.
    ///
    /// @throws TemplateException when it gives tensors, and none of them depends on what is trained
    private void requireGradients(List<GradientCut> cuts) {
        if (differentiable || template == null || !template.isTrained()) {
            return;
        }
        differentiable = cuts.stream().anyMatch(cut -> !cut.leaves.isEmpty());
        if (!differentiable && cuts.stream().anyMatch(GradientCut::hasTensors)) {
            throw template.detached();
        }
    }

    private TemplateCache steer(Sample sample, Checkpointing checkpointing) {
        if (template == null) {
            return TemplateCache.empty();
        }
        PreparedInput<?> prepared = prepare(template, sample);
        return seeded(sample, Sample.Seeds::step, () -> prepared.forward(new ForwardContext(pipeline, checkpointing)));
    }

    /// Runs a stage of the Template with the sample's seed, and reports prompts that are cut in it.
    private <T> T seeded(Sample sample, ToLongFunction<Sample.Seeds> seed, Supplier<T> stage) {
        return forward.reportingCuts(
                sample.row(),
                sample.seeds() == null ? stage : () -> ProcessRandom.seeded(seed.applyAsLong(sample.seeds()), stage));
    }

    private PreparedInput<?> prepare(LoadedTemplate<?, ?> steering, Sample sample) {
        Encodings cache = settings.cache();
        PreparedInput<?> cached = cache == null ? null : cache.prepared(sample.row(), steering);
        if (cached != null) {
            return cached;
        }
        // Read before the generators are seeded: the thread that reads rows ahead may wait for its turn to seed them.
        BoundInput<?, ?> inputs = inputs(sample);
        PreparedInput<?> prepared = seeded(
                sample,
                Sample.Seeds::row,
                () -> process(sample, inputs).map(Tensor::contiguous)); // as it comes back from a file
        if (cache != null) {
            cache.keepPrepared(sample.row(), prepared);
        }
        return prepared;
    }

    private static BoundInput<?, ?> inputs(Sample sample) {
        return Objects.requireNonNull(sample.content().get().inputs());
    }

    /// @throws StencilException naming the row, where the sample is one of a dataset
    private PreparedInput<?> process(Sample sample, BoundInput<?, ?> inputs) {
        DatasetRow row = sample.row();
        try {
            return inputs.process(pipeline);
        } catch (TemplateException e) {
            throw row == null
                    ? e
                    : new TemplateException(
                            e.location(), "%s; called with the row %s".formatted(e.what(), row.location()), e);
        } catch (StencilException e) {
            throw row == null ? e : Dataset.inputFault(row, e);
        }
    }

    /// Runs the Template's stage without gradients on a sample and keeps nothing: a check before long work.
    ///
    /// @throws StencilException naming the row, where the sample is one of a dataset
    public void checkInputs(Sample sample) {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled()) {
            BoundInput<?, ?> inputs = inputs(sample);
            var _ = ProcessRandom.seeded(0, () -> process(sample, inputs));
        }
    }

    /// Encodes a sample in the stages without gradients: all that [#accumulate] needs of it.
    ///
    /// @return tensors that the caller's scope owns
    public Encoded encode(Sample sample) {
        try (Scope scope = new Scope();
                GradMode _ = GradMode.disabled()) {
            PreparedInput<?> prepared = template == null ? null : prepare(template, sample);
            Conditioned conditioned = condition(sample, List.of());
            return new Encoded(conditioned.conditioning(), conditioned.mask(), prepared).map(scope::keep);
        }
    }

    /// The transformer's input for a sample.
    ///
    /// @param weight factor of the sample's loss
    /// @param mask how much each token of the image counts in the loss, float32 `[1, S, 1]`; null for all alike
    private record Tokens(
            ImageTokens clean,
            List<ImageTokens> references,
            TextTokens text,
            double guidance,
            double weight,
            @Nullable Tensor mask) {}

    private Tokens tokens(Sample sample, TemplateCache cache) {
        Conditioned conditioned = condition(sample, cache.settings());
        Conditioning.Images images = conditioned.conditioning().images();
        return new Tokens(
                // ids stay on the CPU, as those that they are joined with
                ImageTokens.ofLatents(Objects.requireNonNull(images.latents())),
                images.references(),
                conditioned.conditioning().textTokens(models, cache.textEmbedding()),
                conditioned.guidance(),
                sample.row() == null ? 1 : sample.row().weight(),
                conditioned.mask());
    }

    /// Encodings of a sample, the mask of its loss, and the embedded guidance.
    private record Conditioned(
            Conditioning conditioning, @Nullable Tensor mask, double guidance) {}

    /// Encodes a sample's images and prompt without gradients, except for those whose encodings are cached.
    ///
    /// @param template settings that a Template gives
    private Conditioned condition(Sample sample, List<PipelineSetting> template) {
        boolean templateReferences = template.stream().anyMatch(PipelineSetting.References.class::isInstance);
        Encodings cache = templateReferences ? null : settings.cache(); // which belong to the Template, not to the row
        Conditioning.Images images = cache == null ? null : cache.images(sample.row());
        Tensor embeds = cache == null ? null : cache.promptEmbeds(sample.row(), sample.prompt());
        Tensor mask = images == null ? null : Objects.requireNonNull(cache).mask(sample.row());
        boolean isCached = images != null && embeds != null;
        Sample.Content content = images == null ? sample.content().get() : null;
        ForwardSettings.Values values = forward.of(template, content == null ? null : editImages(content));
        if (embeds == null && models.textEncoder() != null) {
            forward.caption(sample.prompt(), models.textEncoder());
        }
        try (GradMode _ = GradMode.disabled()) { // contiguous, as from a file
            if (content != null) {
                Conditioning.Images encoded = Conditioning.Images.encode(models, content.image(), values.editImages());
                images = new Conditioning.Images(
                        Objects.requireNonNull(encoded.latents()).contiguous(), encoded.references());
                mask = mask(content);
            }
            if (embeds == null) {
                embeds = models.encodePrompt(sample.prompt()).contiguous();
            }
        }
        Conditioning conditioning = new Conditioning(Objects.requireNonNull(images), embeds);
        if (cache != null && !isCached) {
            cache.keep(sample.row(), sample.prompt(), conditioning, mask);
        }
        return new Conditioned(conditioning, mask, values.embeddedGuidance());
    }

    private @Nullable Tensor mask(Sample.Content content) {
        Mask mask = content.mask();
        return mask == null ? null : models.device().place(Tensors.of(mask.values(), 1, mask.values().length, 1));
    }

    /// Images of a dataset are at their size already.
    private static @Nullable EditImages editImages(Sample.Content content) {
        return content.editImages().isEmpty() ? null : new EditImages(content.editImages(), false);
    }

    private Tensor loss(List<Tokens> inputs, List<Draw> draws, KvCache kvCache, Checkpointing checkpointing) {
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
                        Batch.join("images", noised), inputs.getFirst().clean().ids()),
                Batch.references(inputs.stream().map(Tokens::references).toList()),
                Batch.texts(inputs.stream().map(Tokens::text).toList()),
                Ops.cat(0, timesteps),
                Batch.same("guidance", inputs, Tokens::guidance),
                kvCache);
        Tensor velocity = models.requireTransformer().forward(input, checkpointing);
        double[] factors = IntStream.range(0, inputs.size())
                .mapToDouble(i ->
                        weight(draws.get(i).timestepIndex()) * inputs.get(i).weight())
                .toArray();
        List<@Nullable Tensor> masks =
                inputs.stream().<@Nullable Tensor>map(Tokens::mask).toList();
        return WeightedError.mean(velocity, Ops.cat(0, targets), factors, masks);
    }

    private double weight(int index) {
        return switch (settings.weighting()) {
            case BELL -> weights.weight(index);
            case NONE -> 1;
        };
    }

    /// A Template's cache cut off from the network that made it, so that the backward pass goes in two strides: through
    /// the transformer to the cache, then from the cache through the Template.
    ///
    /// In one stride a transformer that recomputes its blocks would run through the Template's graph once for each
    /// block that a LoRA of the Template is loaded on, and libtorch frees that graph the first time.
    private static final class GradientCut {

        private record Leaf(Tensor original, Tensor detached) {}

        private final List<Leaf> leaves = new ArrayList<>();
        private final TemplateCache cache;

        GradientCut(TemplateCache original) {
            Map<BlockId, KeyValue> blocks = new LinkedHashMap<>();
            original.kvCache()
                    .blocks()
                    .forEach((block, cached) -> blocks.put(block, new KeyValue(cut(cached.k()), cut(cached.v()))));
            Tensor text = original.textEmbedding();
            cache = new TemplateCache(
                    new KvCache(blocks),
                    original.lora().map(this::cut),
                    text == null ? null : cut(text),
                    original.settings());
        }

        private Tensor cut(Tensor tensor) {
            if (!tensor.requires_grad()) {
                return tensor;
            }
            Tensor detached = tensor.detach();
            detached.requires_grad_(true);
            leaves.add(new Leaf(tensor, detached));
            return detached;
        }

        boolean hasTensors() {
            return !cache.kvCache().blocks().isEmpty() || !cache.lora().isEmpty() || cache.textEmbedding() != null;
        }

        /// The same values, differentiable on their own.
        TemplateCache cache() {
            return cache;
        }

        /// The second stride: takes on the gradients that the cache has got by now.
        void backward(GradientTape tape) {
            Tensor sum = surrogate();
            if (sum != null) {
                tape.backward(sum);
            }
        }

        /// A number whose gradient with respect to each part of the cache is the gradient that the part has got.
        private @Nullable Tensor surrogate() {
            Tensor sum = null;
            for (Leaf leaf : leaves) {
                Tensor gradient = leaf.detached.grad();
                if (gradient.defined()) {
                    Tensor product = leaf.original.mul(gradient).sum();
                    sum = sum == null ? product : sum.add(product);
                }
            }
            return sum;
        }
    }
}
