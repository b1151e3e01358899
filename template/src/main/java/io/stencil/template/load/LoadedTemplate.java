package io.stencil.template.load;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.autograd.GradMode;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.TemplateException;
import io.stencil.flux2.text.PromptLength;
import io.stencil.flux2.text.PromptLength.CutPrompts;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.nn.LoraBinding;
import io.stencil.nn.LoraPair;
import io.stencil.nn.Module.OpenPass;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.EncodingCache;
import io.stencil.template.ForwardContext;
import io.stencil.template.PipelineSetting;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateInput;
import io.stencil.template.TemplateModel;
import io.stencil.tensor.DType;
import io.stencil.tensor.ProcessRandom;
import io.stencil.tensor.TensorDefect;
import io.stencil.tensor.Tensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// A Template in memory: its model, and the binding of JSON to the records that it declares.
///
/// @param <I> record of the inputs
/// @param <P> record of the processed inputs
public final class LoadedTemplate<I extends Record, P extends Record> implements AutoCloseable {

    private static final EncodingCache.Kind<TemplateRun> RUNS = new EncodingCache.Kind<>(
            TemplateRun::map,
            run -> run.cache().settings().stream()
                    .mapToLong(PipelineSetting::imageBytes)
                    .sum());

    private final EntryPoint<I, P> entry;
    private final InputBinder<I> inputs;
    private final TemplateModel<I, P> model;
    private final AuthorCode code;
    private final Map<String, Parameter> parameters;

    /// @param model with its weights; this object owns it from now on
    LoadedTemplate(EntryPoint<I, P> entry, TemplateModel<I, P> model) {
        this(entry, entry.inputs(), model);
    }

    private LoadedTemplate(EntryPoint<I, P> entry, InputBinder<I> inputs, TemplateModel<I, P> model) {
        this.entry = entry;
        this.inputs = inputs;
        this.model = model;
        this.code = new AuthorCode(entry.origin(), model);
        this.parameters = model.state();
    }

    /// The network; this object owns it.
    public TemplateModel<I, P> model() {
        return model;
    }

    /// Binds inputs of a generation, and describes them. It may be used when this Template is closed.
    public InputBinder<I> inputBinder() {
        return entry.inputs();
    }

    /// Binds, processes and runs one input of a generation.
    ///
    /// @return the cache, owned by the caller's scope
    /// @throws io.stencil.error.InvalidRequestException naming the field that does not fit
    /// @throws io.stencil.error.TemplateException when the model fails, or gives what does not fit the base model
    /// @throws io.stencil.error.InvalidStateException when this Template or the pipeline is closed
    public TemplateCache run(TemplateInput input, ForwardContext context) {
        try (OpenPass _ = model.openPass()) {
            return bind(input).process(context.pipeline()).forward(context);
        }
    }

    /// Binds and runs one input of a generation, or finds its result in a cache, where no result is put that random
    /// numbers were drawn for.
    ///
    /// @return the result, owned by the caller's scope
    /// @throws io.stencil.error.InvalidRequestException naming the field that does not fit
    /// @throws io.stencil.error.TemplateException when the model fails, or gives what does not fit the base model
    /// @throws io.stencil.error.InvalidStateException when this Template or the pipeline is closed
    public TemplateRun run(TemplateInput input, ForwardContext context, EncodingCache cache) {
        try (OpenPass _ = model.openPass();
                ProcessRandom.State before = ProcessRandom.State.of(context.device())) {
            BoundInput<I, P> bound = bind(input);
            RunKey key = cache.isEnabled() ? new RunKey(this, InputContent.of(bound.input())) : null;
            Optional<TemplateRun> cached = key == null ? Optional.empty() : cache.find(RUNS, key);
            if (cached.isPresent()) {
                return cached.get();
            }
            List<PromptLength> lengths = new ArrayList<>();
            TemplateCache result = CutPrompts.record(
                    lengths, () -> bound.process(context.pipeline()).forward(context));
            TemplateRun run = new TemplateRun(result, lengths, !before.isPresent());
            return key == null || run.drawn() ? run : cache.put(RUNS, key, run);
        }
    }

    /// The result of a Template's run.
    ///
    /// @param cutPrompts lengths of the prompts that the text encoder cut
    /// @param drawn whether random numbers were drawn, so that another run with the same input may give another result
    public record TemplateRun(TemplateCache cache, List<PromptLength> cutPrompts, boolean drawn) {

        public TemplateRun {
            cutPrompts = List.copyOf(cutPrompts);
        }

        /// Replaces every tensor by its copy.
        public TemplateRun map(UnaryOperator<Tensor> copy) {
            return new TemplateRun(cache.map(copy), cutPrompts, drawn);
        }
    }

    /// Inputs of a run: all else is the same as long as the Template is loaded.
    private record RunKey(LoadedTemplate<?, ?> template, InputContent input) {}

    /// Binds one input of a generation.
    ///
    /// @throws io.stencil.error.InvalidRequestException naming the field that does not fit
    public BoundInput<I, P> bind(TemplateInput input) {
        InputBinder<I> binder = input.readsFiles() ? inputs : entry.inputs().withoutFiles();
        return new BoundInput<>(this, binder.bind(input.fields(), input.folder()));
    }

    /// Views this Template as one whose inputs of a generation are those of a dataset's row: the data processor runs,
    /// if it has one. The view has the same model, and need not be closed.
    public LoadedTemplate<I, P> ofRows() {
        return new LoadedTemplate<>(entry, entry.rows(), model);
    }

    /// Whether a data processor makes the model's inputs of those of a dataset's row.
    public boolean hasDataProcessor() {
        return entry.processedRows().isPresent();
    }

    /// Binds a dataset's row to the model's inputs; the Template's data processor runs, if it has one. Threads that
    /// read ahead may call together.
    ///
    /// @param folder against which paths of images are resolved
    /// @throws io.stencil.error.InvalidRequestException naming the field that does not fit
    public BoundInput<I, P> bindRow(ObjectNode templateInputs, Path folder) {
        return new BoundInput<>(this, entry.rows().bind(templateInputs, folder));
    }

    /// Restores the result of [PreparedInput#store].
    ///
    /// @param json as it was given back
    /// @param tensors by name, as they were kept; those of the result are owned by the caller's scope
    /// @throws io.stencil.error.TemplateException when it is not what this Template's record holds
    public PreparedInput<P> restore(JsonNode json, Function<String, Tensor> tensors) {
        P processed = code.call(
                constructor(entry.processed()),
                () -> RecordArchive.read(entry.origin(), entry.processed(), json, tensors));
        return new PreparedInput<>(this, processed);
    }

    /// A tensor with memory of its own where it shares that of a parameter, so that it may outlive the model.
    public Tensor unbound(Tensor tensor) {
        boolean shared = parameters.values().stream().anyMatch(parameter -> tensor.is_alias_of(parameter.get()));
        return shared ? tensor.clone() : tensor;
    }

    PreparedInput<P> prepare(I bound, Flux2Pipeline pipeline) {
        try (OpenPass _ = model.openPass();
                GradMode _ = GradMode.disabled()) {
            P processed = code.callOnInputs("processInputs()", () -> model.processInputs(bound, pipeline));
            RecordArchive.forEachTensor(
                    processed,
                    (name, tensor) -> TensorDefect.of(tensor).ifPresent(defect -> {
                        throw code.unusable("processInputs()", name, tensor, defect);
                    }));
            return new PreparedInput<>(this, processed);
        }
    }

    /// Runs the model's stage with gradients and checks that the base model can use what it gives.
    TemplateCache forward(P processed, ForwardContext context) {
        Flux2Transformer base = context.pipeline().models().requireTransformer();
        try (OpenPass _ = model.openPass()) {
            TemplateCache cache = code.call("forward()", () -> model.forward(processed, context));
            parameters.forEach((name, parameter) -> {
                if (parameter.isClosed()) {
                    throw new TemplateException(
                            entry.origin(),
                            "forward() closed parameter '%s'; do not close modules, they are closed with the Template"
                                    .formatted(name));
                }
            });
            new CacheCheck(code).requireFits(cache, base);
            return cache;
        }
    }

    /// Whether the model has parameters that are trained.
    public boolean isTrained() {
        return parameters.values().stream().anyMatch(Parameter::isTrainable);
    }

    /// An error for a forward pass whose result does not depend on the trained parameters, so that no training step
    /// changes them.
    public TemplateException detached() {
        return code.unfit(
                "forward()",
                "returned tensors that do not depend on any trained parameter, so that no gradient reaches them and training would change nothing; compute them in forward() from registered parameters, without detach() and not from results of processInputs() alone, and train those parts (--trainable_models)",
                null);
    }

    /// Runs a backward pass through what [PreparedInput#forward] gave.
    ///
    /// @throws io.stencil.error.TemplateException when it fails in the model
    public void differentiate(Runnable backward) {
        code.run("the backward pass of forward()", backward);
    }

    /// Copies a record with `copy` applied to every tensor.
    ///
    /// @throws io.stencil.error.TemplateException when the record's constructor fails
    P map(P processed, UnaryOperator<Tensor> copy) {
        return code.call(constructor(processed.getClass()), () -> RecordArchive.map(processed, copy));
    }

    private static String constructor(Class<?> record) {
        return "the constructor of " + record.getSimpleName();
    }

    /// Frees the model, once passes on other threads are over.
    @Override
    public void close() {
        model.close();
    }

    /// Validates the [TemplateCache] of a forward pass for the transformer that uses it, so that a fault names the
    /// Template.
    private static final class CacheCheck {

        private final AuthorCode code;

        CacheCheck(AuthorCode code) {
            this.code = code;
        }

        /// @throws TemplateException naming the entry, such as `kv_cache.double_3.k`, its fault and the remedy
        void requireFits(TemplateCache cache, Flux2Transformer transformer) {
            cache.kvCache().blocks().forEach((block, cached) -> {
                requireUsable("kv_cache." + block.key() + ".k", cached.k());
                requireUsable("kv_cache." + block.key() + ".v", cached.v());
            });
            cache.lora().pairs().forEach((layer, pair) -> requirePair("lora." + layer, pair));
            cache.lora()
                    .others()
                    .forEach((layer, updates) -> updates.stream()
                            .flatMap(update -> update.tensors().stream())
                            .forEach(tensor -> requireUsable("lora." + layer, tensor)));
            if (cache.textEmbedding() != null) {
                requireUsable("text_embedding", cache.textEmbedding());
            }
            try {
                cache.kvCache().require(transformer.config(), 1);
                LoraBinding.check(transformer, cache.lora());
                cache.lora().pairs().forEach(CacheCheck::requireOneSample);
                requireText(cache.textEmbedding(), transformer.config());
            } catch (InvalidRequestException e) {
                throw code.unfit("forward()", "gives what the base model cannot use: " + e.getMessage(), e);
            }
        }

        private void requirePair(String name, @Nullable LoraPair pair) {
            requireUsable(name + ".lora_A", pair == null ? null : pair.a());
            requireUsable(name + ".lora_B", pair == null ? null : pair.b());
        }

        private void requireUsable(String name, @Nullable Tensor tensor) {
            Optional<TensorDefect> defect = TensorDefect.of(tensor);
            if (defect.isPresent()) {
                throw code.unusable("forward()", name, tensor, defect.get());
            }
            if (tensor != null && !DType.of(tensor).isFloatingPoint()) {
                throw code.unfit(
                        "forward()",
                        "gives what the base model cannot use: '%s': is %s, expected a floating-point dtype; use context.dtype()"
                                .formatted(name, DType.of(tensor).text()),
                        null);
            }
        }

        private static void requireOneSample(String layer, LoraPair pair) {
            if (pair.isPerSample() && pair.a().size(0) != 1) {
                throw new InvalidRequestException(
                        "lora." + layer,
                        "has updates of %s samples; expected one"
                                .formatted(pair.a().size(0)));
            }
        }

        private static void requireText(@Nullable Tensor text, TransformerConfig config) {
            if (text == null) {
                return;
            }
            boolean fits = text.dim() == 3 && text.size(0) == 1 && text.size(2) == config.jointAttentionDim();
            if (!fits) {
                throw new InvalidRequestException(
                        "text_embedding",
                        "is %s, the transformer needs [1, S, %s]"
                                .formatted(Arrays.toString(Tensors.shape(text)), config.jointAttentionDim()));
            }
        }
    }

    /// A row's inputs as the record that the Template's model takes: images are decoded, and no model has seen them
    /// yet.
    public record BoundInput<I extends Record, P extends Record>(LoadedTemplate<I, P> template, I input) {

        /// Runs the gradient-free stage of the Template's model.
        public PreparedInput<P> process(Flux2Pipeline pipeline) {
            return template.prepare(input, pipeline);
        }
    }

    /// A Template input after the gradient-free stage, ready for the forward pass of its model.
    ///
    /// @param processed what the model's `processInputs` made
    public record PreparedInput<P extends Record>(LoadedTemplate<?, P> template, P processed) {

        /// Copies the input with `copy` applied to every tensor.
        public PreparedInput<P> map(UnaryOperator<Tensor> copy) {
            return new PreparedInput<>(template, template.map(processed, copy));
        }

        /// Takes the input apart for a file; [LoadedTemplate#restore] puts it together.
        ///
        /// @param tensors gets its tensors and images, by name
        /// @return all else, with the names of the tensors in their places
        public JsonNode store(Map<String, Tensor> tensors) {
            return RecordArchive.write(processed, tensors);
        }

        /// Runs the stage with gradients.
        ///
        /// @return the cache, owned by the caller's scope
        /// @throws io.stencil.error.TemplateException when the model fails, or gives what does not fit the base model
        public TemplateCache forward(ForwardContext context) {
            return template.forward(processed, context);
        }
    }
}
