package io.stencil.template.pipeline;

import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.GradMode;
import io.stencil.error.Arguments;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.ProgressListener;
import io.stencil.pipeline.SideConditions;
import io.stencil.pipeline.models.CallGate;
import io.stencil.pipeline.models.EncodingCache;
import io.stencil.template.ForwardContext;
import io.stencil.template.PipelineSetting;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateInput;
import io.stencil.template.Warnings;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.LoadedTemplate.TemplateRun;
import io.stencil.template.load.TemplateSource;
import io.stencil.tensor.CancellationToken;
import io.stencil.tensor.ProcessRandom;
import io.stencil.tensor.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

/// A base pipeline with Template models that steer it.
///
/// ```java
/// List<TemplateSource> templates = List.of(new TemplateFolder(Path.of("brightness")));
/// try (TemplatePipeline pipeline = new TemplatePipeline(base, templates, Loading.EAGER, Warnings.logged())) {
///     GeneratedImage bright = pipeline.generate(request, TemplateInputs.parse("{\"scale\": 0.8}"));
/// }
/// ```
/// It owns the base pipeline and the Template models. Threads may share it: calls take their turn with those of the
/// base pipeline, as [Flux2Pipeline] says, and a request's Templates steer that request alone.
public final class TemplatePipeline implements AutoCloseable {

    /// When Template models are in memory.
    public enum Loading {
        /// All of them, from the start.
        EAGER,
        /// One at a time, while it works.
        LAZY
    }

    /// Inputs of one side of guidance.
    ///
    /// @param name for messages
    private record Side(String name, List<TemplateInput> inputs) {
        Side {
            inputs = Arguments.copyOf(name, inputs);
        }
    }

    private final Flux2Pipeline base;
    private final List<TemplateSource> sources;
    private final List<LoadedTemplate<?, ?>> loaded = new ArrayList<>();
    private final Loading loading;
    private final Warnings warnings;

    /// A pipeline that owns `base` from now on; when this fails, `base` stays the caller's.
    ///
    /// @param sources the Templates; an input's `model_id` is an index into them
    /// @throws io.stencil.error.TemplateException when a Template does not keep the contract, also when it is lazy
    /// @throws InvalidStateException when `base` is closed
    public TemplatePipeline(Flux2Pipeline base, List<TemplateSource> sources, Loading loading, Warnings warnings) {
        this.base = Arguments.require("base", base);
        this.sources = Arguments.copyOf("sources", sources);
        this.loading = Arguments.require("loading", loading);
        this.warnings = Arguments.require("warnings", warnings);
        try (CallGate.Turn _ = turn("a Template pipeline")) {
            for (TemplateSource source : sources) {
                if (loading == Loading.EAGER) {
                    loaded.add(ProcessRandom.seeded(0, () -> source.load(base)));
                } else {
                    source.check(base);
                }
            }
        } catch (RuntimeException | Error e) {
            loaded.forEach(LoadedTemplate::close);
            throw e;
        }
    }

    private CallGate.Turn turn(String call) {
        return base.models().gate().enter(CallGate.Kind.SESSION, call);
    }

    public Flux2Pipeline base() {
        return base;
    }

    /// Generates an image that the Templates steer on the prompt's side.
    ///
    /// @throws InvalidRequestException when an input does not fit its Template
    /// @throws InvalidStateException when the pipeline is closed, or the thread is interrupted while it waits for
    ///     another call
    public GeneratedImage generate(GenerationRequest request, List<TemplateInput> positive) {
        return generate(request, positive, List.of(), ProgressListener.NONE);
    }

    /// Generates an image that the Templates steer.
    ///
    /// @param positive inputs of the prompt's side, run one after another
    /// @param negative inputs of the negative prompt's side; they matter only with guidance
    /// @param progress is called on this thread; it must not call the pipeline
    /// @throws InvalidRequestException when an input does not fit its Template
    /// @throws InvalidStateException when the pipeline is closed, or the thread is interrupted while it waits for
    ///     another call
    /// @throws io.stencil.error.CancelledException when the thread is interrupted while it generates
    public GeneratedImage generate(
            GenerationRequest request,
            List<TemplateInput> positive,
            List<TemplateInput> negative,
            ProgressListener progress) {
        Arguments.require("request", request);
        return generateAll(request, List.of(request.seed()), positive, negative, progress, new CancellationToken())
                .getFirst();
    }

    /// Generates images of one request that the Templates steer, one for each seed, as [Flux2Pipeline#generateAll]
    /// does. The Templates run once; where one draws random numbers, once for each image.
    ///
    /// @param seeds of the noise and of what Templates draw; they take the place of the request's seed
    /// @param positive inputs of the prompt's side, run one after another
    /// @param negative inputs of the negative prompt's side; they matter only with guidance
    /// @param progress is called on this thread; it must not call the pipeline
    /// @param token cancels the call from another thread, or from `progress`
    /// @return images in the order of the seeds
    /// @throws InvalidRequestException when an input does not fit its Template, there is no seed or one is out of range
    /// @throws InvalidStateException when the pipeline is closed, or the thread is interrupted while it waits for
    ///     another call
    /// @throws io.stencil.error.CancelledException when the token is cancelled, or the thread is interrupted while it
    ///     generates; native memory is freed then
    public List<GeneratedImage> generateAll(
            GenerationRequest request,
            List<Long> seeds,
            List<TemplateInput> positive,
            List<TemplateInput> negative,
            ProgressListener progress,
            CancellationToken token) {
        Arguments.require("request", request);
        List<Long> drawn = request.requireSeeds(seeds);
        List<Side> sides =
                List.of(new Side("template_inputs", positive), new Side("negative_template_inputs", negative));
        Arguments.require("progress", progress);
        try (CallGate.Turn _ = turn("generate()");
                CancellationToken.Binding _ = Arguments.require("token", token).bind();
                Scope _ = new Scope();
                GradMode _ = GradMode.disabled()) {
            CancellationToken.check();
            GenerationRequest complete = request.withDefaults(base.models().kind());
            if (!sides.getLast().inputs().isEmpty() && !complete.isGuided()) {
                progress.onWarning("negative_template_inputs have no effect: there is no guidance at cfg_scale 1");
            }
            Steered first = steer(complete, sides, drawn.getFirst(), progress::onWarning);
            if (drawn.size() == 1 || !first.isRandom()) {
                return base.generateAll(first.request(), drawn, progress, token);
            }
            return generateApart(
                    first, drawn, seed -> steer(complete, sides, seed, _ -> {}), progress); // warns of the same
        }
    }

    /// Generates each image with what its own seed gives the Templates.
    ///
    /// @param first what the first seed gives
    private List<GeneratedImage> generateApart(
            Steered first, List<Long> seeds, Function<Long, Steered> others, ProgressListener progress) {
        int steps = Objects.requireNonNull(first.request().steps());
        List<GeneratedImage> images = new ArrayList<>();
        for (long seed : seeds) {
            int index = images.size();
            ProgressListener part = new ProgressListener.Part(progress, index, index * steps, seeds.size() * steps);
            try (Scope _ = new Scope()) {
                Steered steered = index == 0 ? first : others.apply(seed);
                images.add(
                        base.generate(steered.request().toBuilder().seed(seed).build(), part));
            }
        }
        return images;
    }

    /// A request with what the Templates give.
    ///
    /// @param isRandom whether that follows from the seed too
    private record Steered(GenerationRequest request, boolean isRandom) {}

    /// @param sides positive, negative
    private Steered steer(GenerationRequest request, List<Side> sides, long seed, Warnings cut) {
        Merged positive = merged(sides.getFirst(), seed, this::run, cut);
        Merged negative = request.isGuided() ? merged(sides.getLast(), seed, this::run, cut) : Merged.NOTHING;
        GenerationRequest.Builder steered = request.toBuilder()
                .positive(steer(request.positive(), positive.cache()))
                .negative(steer(request.negative(), negative.cache()));
        List<PipelineSetting> settings = positive.cache().settings();
        negative.cache().settings().stream()
                .filter(setting -> !settings.contains(setting)) // which are set for both
                .forEach(setting -> warnings.warn(
                        "a Template of the negative side sets %s, which concerns both sides and is ignored"
                                .formatted(setting.parameter())));
        settings.forEach(setting -> setting.applyTo(steered));
        return new Steered(steered.build(), positive.isRandom() || negative.isRandom());
    }

    /// Runs the Templates on inputs and merges their caches.
    ///
    /// @return memory of its own, which the caller's scope owns; it may outlive this object
    /// @throws InvalidRequestException when an input does not fit its Template
    /// @throws InvalidStateException when the pipeline is closed, the thread has no open scope, or it is interrupted
    ///     while it waits for another call
    public TemplateCache cache(List<TemplateInput> inputs) {
        Side side = new Side("template_inputs", inputs);
        if (!Scope.isOpen()) {
            throw new InvalidStateException(
                    "cache() gives tensors to the scope that is open on its thread, and none is;"
                            + " open a Scope and keep it open while the cache is used");
        }
        try (CallGate.Turn _ = turn("cache()")) {
            return merged(side, 0, this::runUnbound, warnings).cache();
        }
    }

    /// Caches of one side, merged.
    ///
    /// @param isRandom whether a Template drew random numbers
    private record Merged(TemplateCache cache, boolean isRandom) {
        static final Merged NOTHING = new Merged(TemplateCache.empty(), false);
    }

    /// What a Template draws from the generators of the process follows from the seed and from the input's place, on
    /// both sides alike.
    ///
    /// @param cut receives a warning for each prompt of the inputs that the text encoder cuts
    private Merged merged(Side side, long seed, Function<TemplateInput, TemplateRun> run, Warnings cut) {
        List<TemplateCache> caches = new ArrayList<>();
        boolean isRandom = false;
        for (TemplateInput input : side.inputs()) {
            CancellationToken.check();
            TemplateRun result = ProcessRandom.seeded(ProcessRandom.seed(seed, caches.size()), () -> run.apply(input));
            caches.add(result.cache());
            isRandom |= result.drawn();
            result.cutPrompts().stream()
                    .map(length ->
                            length.warning("a prompt in %s (model_id %s)".formatted(side.name(), input.modelId())))
                    .distinct()
                    .forEach(cut::warn);
        }
        return new Merged(TemplateCache.merge(caches, warnings), isRandom);
    }

    private TemplateRun runUnbound(TemplateInput input) {
        if (loading == Loading.LAZY) {
            return run(input, EncodingCache.NONE);
        }
        try (Scope scope = new Scope()) { // which holds the parameters that the cache is compared with
            return run(input, EncodingCache.NONE)
                    .map(loaded.get(input.modelId())::unbound)
                    .map(scope::keep);
        }
    }

    private TemplateRun run(TemplateInput input) {
        return run(input, base.models().cache());
    }

    /// @param cache of the results of Templates that stay loaded
    private TemplateRun run(TemplateInput input, EncodingCache cache) {
        int id = input.modelId();
        if (id < 0 || id >= sources.size()) {
            throw new InvalidRequestException(
                    "model_id", "is %s, but there are %s Templates, counted from 0".formatted(id, sources.size()));
        }
        ForwardContext context = new ForwardContext(base, Checkpointing.OFF);
        try (Scope scope = new Scope()) {
            return run(id, input, context, cache).map(scope::keep);
        }
    }

    private TemplateRun run(int id, TemplateInput input, ForwardContext context, EncodingCache cache) {
        if (loading == Loading.EAGER) {
            return loaded.get(id).run(input, context, cache);
        }
        try (LoadedTemplate<?, ?> template = sources.get(id).load(base)) {
            // What the model made must outlive it, also where it handed out a parameter of its own.
            return template.run(input, context, EncodingCache.NONE).map(template::unbound);
        }
    }

    private SideConditions steer(SideConditions side, TemplateCache cache) {
        TemplateCache given = new TemplateCache(side.kvCache(), side.lora(), side.textEmbedding(), List.of());
        TemplateCache all = TemplateCache.merge(List.of(given, cache), warnings);
        return new SideConditions(side.prompt(), all.kvCache(), all.lora(), all.textEmbedding());
    }

    /// Frees the Templates and the base pipeline, once the call that runs has returned. A second close does nothing.
    ///
    /// @throws InvalidStateException when it is called within such a call, by a progress listener or a Template;
    ///     nothing is freed then
    @Override
    public void close() {
        base.models().gate().close(() -> loaded.forEach(LoadedTemplate::close));
        base.close();
    }
}
