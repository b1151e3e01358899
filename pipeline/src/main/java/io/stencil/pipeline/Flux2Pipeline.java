package io.stencil.pipeline;

import io.stencil.autograd.GradMode;
import io.stencil.error.Arguments;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.files.FileStamp;
import io.stencil.flux2.files.LoraFile;
import io.stencil.image.ImageSize;
import io.stencil.nn.Lora;
import io.stencil.nn.LoraBinding;
import io.stencil.pipeline.models.CallGate;
import io.stencil.pipeline.models.EncodingCache;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.tensor.CancellationToken;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.LibtorchMessage;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// FLUX.2 from a request to an image.
///
/// ```java
/// try (Flux2Pipeline pipeline = Flux2Pipeline.load(ModelFiles.in(Path.of("FLUX.2-klein-4B")), LoadOptions.DEFAULT)) {
///     GeneratedImage result = pipeline.generate(GenerationRequest.of("a cat").seed(7).build());
///     RgbImageWriter.write(result.image(), Path.of("cat.png"));
/// }
/// ```
/// A pipeline owns its models. Threads may share it: it serves one call at a time, and those that come meanwhile wait
/// in their order, as in [CallGate]. [#close] lets the call that runs come to its end; all others are refused from
/// then on. A progress listener cannot call its pipeline. Each method throws a [io.stencil.error.StencilException],
/// and what a listener throws goes through.
public final class Flux2Pipeline implements AutoCloseable {

    private static final EncodingCache.Kind<LoraFile> LORAS = new EncodingCache.Kind<>(LoraFile::map, _ -> 0);

    private final ModelSet models;
    private final LoraShelf loras = new LoraShelf();

    /// A pipeline of these models, which it owns from now on.
    public Flux2Pipeline(ModelSet models) {
        this.models = Arguments.require("models", models);
    }

    /// Loads the models that `files` names.
    ///
    /// @throws io.stencil.error.InvalidFileException when a file is absent, broken or not a part of FLUX.2
    public static Flux2Pipeline load(ModelFiles files, LoadOptions options) {
        return new Flux2Pipeline(ModelSet.load(files, options));
    }

    public ModelSet models() {
        return models;
    }

    /// Generates an image.
    ///
    /// @throws io.stencil.error.InvalidRequestException when the request does not fit the models, or memory runs out
    /// @throws io.stencil.error.InvalidStateException when the pipeline is closed, or the thread is interrupted while
    ///     it waits for another call
    /// @throws io.stencil.error.CancelledException when the thread is interrupted while it generates
    public GeneratedImage generate(GenerationRequest request) {
        return generate(request, ProgressListener.NONE);
    }

    /// Generates an image and reports each step.
    ///
    /// @param progress is called on this thread; it must not call the pipeline
    /// @throws io.stencil.error.InvalidRequestException as [#generate(GenerationRequest)] does
    /// @throws io.stencil.error.InvalidStateException likewise
    /// @throws io.stencil.error.CancelledException likewise
    public GeneratedImage generate(GenerationRequest request, ProgressListener progress) {
        Arguments.require("request", request);
        return generateAll(request, List.of(request.seed()), progress, new CancellationToken())
                .getFirst();
    }

    /// Generates images of one request, one for each seed: those of as many single requests, up to rounding. Prompts
    /// and images of the request are encoded once, and as many images go through the transformer together as half of
    /// the available memory has room for.
    ///
    /// @param seeds of the noise, 0 to 4294967295 each; they take the place of the request's seed
    /// @param progress is called on this thread; it must not call the pipeline
    /// @param token cancels the call from another thread, or from `progress`: models check it between their layers
    /// @return images in the order of the seeds
    /// @throws io.stencil.error.InvalidRequestException as [#generate(GenerationRequest)] does, and when there is no
    ///     seed or one is out of range
    /// @throws io.stencil.error.InvalidStateException likewise
    /// @throws io.stencil.error.CancelledException when the token is cancelled, or the thread is interrupted while it
    ///     generates; native memory is freed then
    public List<GeneratedImage> generateAll(
            GenerationRequest request, List<Long> seeds, ProgressListener progress, CancellationToken token) {
        Arguments.require("request", request).requireImages();
        List<Long> drawn = request.requireSeeds(seeds);
        Arguments.require("progress", progress);
        try (CallGate.Turn _ = models.gate().enter(CallGate.Kind.WORK, "generate()");
                CancellationToken.Binding _ = Arguments.require("token", token).bind();
                Scope scope = new Scope();
                GradMode _ = GradMode.disabled();
                LoraBinding _ = loras.bind(models);
                LoraBinding _ = bind(request.loras(), progress)) {
            request.hold(scope);
            GenerationRequest complete = request.withDefaults(models.kind());
            ImageSize size = request.imageSize();
            RequestWarnings.of(complete, models, size).forEach(progress::onWarning);
            return new Generation(models, complete, size, progress).run(drawn);
        } catch (RuntimeException e) {
            throw LibtorchMessage.isFrom(e) ? failed(request, e) : e;
        }
    }

    /// Binds the LoRA files of a request; what they hold beyond the transformer's layers is a warning.
    private LoraBinding bind(List<GenerationRequest.LoraUse> uses, ProgressListener progress) {
        CancellationToken.check();
        if (uses.isEmpty()) {
            return LoraBinding.none();
        }
        List<Lora> read = new ArrayList<>();
        for (GenerationRequest.LoraUse use : uses) {
            LoraFile lora = kept(use);
            read.add(lora.lora());
            LoraMatch match = LoraMatch.of(lora);
            if (!match.unmatched().isEmpty()) {
                progress.onWarning(use.file() + ": " + match.warning().orElseGet(match::toString));
            }
        }
        return LoraBinding.bind(models.requireTransformer(), Lora.merge(read));
    }

    /// Reads the LoRA of a request, or finds it in the cache, where its file is as it was.
    private LoraFile kept(GenerationRequest.LoraUse use) {
        EncodingCache cache = models.cache();
        Optional<List<FileStamp>> stamps = cache.isEnabled() ? LoraFile.stamps(use.file()) : Optional.empty();
        if (stamps.isEmpty()) {
            return read(use.file(), use.strength(), models.compute());
        }
        LoraKey key = new LoraKey(stamps.get(), use.strength());
        return cache.find(LORAS, key)
                .orElseGet(() -> cache.put(LORAS, key, read(use.file(), use.strength(), models.compute())));
    }

    /// All that the updates of a file follow from, beside the weights of the transformer.
    private record LoraKey(List<FileStamp> files, double strength) {}

    private LoraFile read(Path file, double strength, DType dtype) {
        return LoraFile.read(file, models.requireTransformer(), strength, dtype, models.device());
    }

    private static InvalidRequestException failed(GenerationRequest request, RuntimeException fault) {
        String reason = LibtorchMessage.firstSentence(String.valueOf(fault.getMessage()));
        String what = Generation.isOutOfMemory(fault)
                ? "out of memory for an image of %s x %s pixels (%s); make it smaller, offload models or decode in tiles"
                : "an image of %s x %s pixels failed in libtorch: %s";
        return new InvalidRequestException(
                Location.ofField("width, height"), what.formatted(request.width(), request.height(), reason), fault);
    }

    /// Hot-loads a LoRA file (LoRA, DoRA, LoKr or LoHa, in the names of any tool): it takes part in every generation
    /// until [#clearLoras]; the weights stay as they are. Of several files each has its own strength.
    ///
    /// @param file a safetensors file, or a folder with PEFT's `adapter_config.json` and `adapter_model.safetensors`
    /// @param strength factor of the update, beside the scale that the file gives
    /// @return which of the file's layers the transformer has
    /// @throws io.stencil.error.InvalidFileException when the file is not a LoRA, updates no layer, or has a matrix
    ///     that does not fit its layer, a value that is not finite, or parts of an adapter that is not supported
    /// @throws io.stencil.error.InvalidRequestException when the strength is no finite number
    public LoraMatch loadLora(Path file, double strength) {
        Arguments.require("file", file);
        try (CallGate.Turn _ = models.gate().enter(CallGate.Kind.CHANGE, "loadLora()");
                Scope _ = new Scope()) {
            LoraFile lora = read(file, strength, models.compute());
            loras.add(lora.lora());
            return LoraMatch.of(lora);
        }
    }

    /// Takes off all hot-loaded LoRAs.
    public void clearLoras() {
        try (CallGate.Turn _ = models.gate().enter(CallGate.Kind.CHANGE, "clearLoras()")) {
            loras.clear();
        }
    }

    /// Adds a LoRA file to the transformer's weights for good; the opposite strength takes it off again, up to
    /// rounding. A DoRA stays: how it scales the weights depends on them.
    ///
    /// @param strength factor of the update
    /// @return which of the file's layers the transformer has
    /// @throws io.stencil.error.InvalidRequestException when the strength is no finite number, or is negative for a
    ///     DoRA, when a DoRA is hot-loaded, or a weight rests in float8 or is offloaded; no weight is changed then
    /// @throws io.stencil.error.InvalidFileException as [#loadLora] does; no weight is changed then
    public LoraMatch fuseLora(Path file, double strength) {
        Arguments.require("file", file);
        try (CallGate.Turn _ = models.gate().enter(CallGate.Kind.CHANGE, "fuseLora()");
                Scope _ = new Scope()) {
            if (loras.dependOnWeights()) {
                throw new InvalidRequestException(
                        "lora",
                        "cannot be fused while a DoRA is loaded, whose norms are those of the weights before; call clearLoras() first, and load the DoRA again afterwards");
            }
            LoraFile lora = read(file, strength, DType.FLOAT32);
            if (strength < 0 && lora.lora().dependsOnWeights()) {
                throw new InvalidRequestException(
                        "lora_alpha",
                        "is %s, and a DoRA cannot be taken off by a negative strength, since its norms are those of the weights before; load the model again, or hot-load the DoRA"
                                .formatted(strength));
            }
            lora.lora().fuse(models.requireTransformer(), 1.0);
            models.cache().clear(); // DoRAs and Templates may depend on the weights
            return LoraMatch.of(lora);
        }
    }

    /// Frees the models and what was hot-loaded, once the call that runs has returned. A second close does nothing.
    ///
    /// @throws io.stencil.error.InvalidStateException when it is called within such a call, by a progress listener or a
    ///     Template; nothing is freed then
    @Override
    public void close() {
        models.gate().close(loras::clear);
        models.close();
    }

    public Device device() {
        return models.device();
    }

    /// The LoRAs that are hot-loaded on a pipeline, with their memory.
    private static final class LoraShelf {

        private final List<Lora> loras = new ArrayList<>();
        private final List<OwnedTensor> owned = new ArrayList<>();

        void add(Lora lora) {
            loras.add(lora.map(tensor -> {
                OwnedTensor kept = new OwnedTensor(tensor);
                owned.add(kept);
                return kept.get();
            }));
        }

        boolean dependOnWeights() {
            return loras.stream().anyMatch(Lora::dependsOnWeights);
        }

        /// Puts all of them on the transformer until the binding is closed.
        LoraBinding bind(ModelSet models) {
            return loras.isEmpty()
                    ? LoraBinding.none()
                    : LoraBinding.bind(models.requireTransformer(), Lora.merge(loras));
        }

        void clear() {
            loras.clear();
            owned.forEach(OwnedTensor::close);
            owned.clear();
        }
    }

    /// The match of a LoRA file's layers with those of the transformer.
    ///
    /// @param kind of the updates, such as `LoRA` or `DoRA`
    /// @param dialect the tool whose names the file has, such as `ai-toolkit and ComfyUI`
    /// @param matched number of the file's layers that the transformer has
    /// @param unmatched layers of the file that it does not have, those of the text encoder among them
    public record LoraMatch(String kind, String dialect, int matched, List<String> unmatched) {

        public LoraMatch {
            unmatched = List.copyOf(unmatched);
        }

        private static LoraMatch of(LoraFile file) {
            return new LoraMatch(file.kind(), file.dialect(), file.matched(), file.unmatched());
        }

        /// A warning when the transformer has less than half of the file's layers.
        public Optional<String> warning() {
            int all = matched + unmatched.size();
            return 2 * matched >= all
                    ? Optional.empty()
                    : Optional.of(
                            "the transformer has only %s of the %s layers of this LoRA, which is probably for another model; the image will not be the one that it was trained for (%s)"
                                    .formatted(matched, all, this));
        }

        /// One line for people.
        @Override
        public String toString() {
            List<String> others = unmatched.stream()
                    .filter(layer -> !LoraFile.isOfTextEncoder(layer))
                    .toList();
            int ofTextEncoder = unmatched.size() - others.size();
            return "%s of %s layers used (%s names)".formatted(kind, matched, dialect)
                    + (others.isEmpty() ? "" : ", %s left out: %s".formatted(others.size(), NameList.of(others)))
                    + (ofTextEncoder == 0 ? "" : ", %s of the text encoder left out".formatted(ofTextEncoder));
        }
    }
}
