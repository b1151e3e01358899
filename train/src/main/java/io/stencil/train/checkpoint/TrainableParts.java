package io.stencil.train.checkpoint;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.NameList;
import io.stencil.files.Sha256;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.nn.LoraBinding;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Selects the parameters that a run trains, by the name that a checkpoint without a removed prefix has for them:
/// `pipe.template_model.NAME`, `pipe.dit.NAME`, `pipe.vae.NAME`.
///
/// They are in float32, whatever the pipeline's dtype: modules cast them where they compute. Those of a LoRA are
/// `pipe.dit.LAYER.lora_A.weight` and `pipe.dit.LAYER.lora_B.weight`.
public final class TrainableParts implements AutoCloseable {

    private static final String TEMPLATE = "template_model";
    private static final String TRANSFORMER = "dit";
    private static final String VAE = "vae";
    private static final List<String> LATENT_MAKERS = List.of("pipe.vae.encoder.", "pipe.vae.quant_conv.");

    private final Map<String, Parameter> ofModels;
    private final Map<String, Parameter> companions;
    private final @Nullable TrainedLora lora;
    private final Map<String, Parameter> parameters;

    private TrainableParts(
            Map<String, Parameter> ofModels, Map<String, Parameter> companions, @Nullable TrainedLora lora) {
        this.ofModels = Collections.unmodifiableMap(ofModels);
        this.companions = Collections.unmodifiableMap(companions);
        this.lora = lora;
        Map<String, Parameter> all = new LinkedHashMap<>(ofModels);
        if (lora != null) {
            lora.state().forEach((name, parameter) -> all.put("pipe.%s.%s".formatted(TRANSFORMER, name), parameter));
        }
        this.parameters = Collections.unmodifiableMap(all);
    }

    /// Makes the named parts of the VAE trainable and freezes the rest of it, which is saved with them.
    ///
    /// @param names dotted: `vae`, `vae.decoder`
    /// @throws InvalidRequestException for a name without parameters, listing the valid ones
    public static TrainableParts selectVae(Collection<String> names, AutoencoderKlFlux2 vae) {
        Map<String, Parameter> trained = select(names, Map.of(VAE, vae));
        Map<String, Parameter> companions = new LinkedHashMap<>();
        vae.state().forEach((name, parameter) -> {
            String full = "pipe." + VAE + "." + name;
            if (!trained.containsKey(full)) {
                companions.put(full, parameter);
            }
        });
        return new TrainableParts(trained, companions, null);
    }

    /// Makes the named parts trainable and freezes all else of the Template and the transformer. Text encoder
    /// and VAE are frozen in any case: their work in training is done without gradients.
    ///
    /// @param names dotted, from the model on: `template_model`, `template_model.mlp`, `dit.proj_out`
    /// @throws InvalidRequestException for a name without parameters, listing the valid ones
    public static TrainableParts select(
            Collection<String> names, Flux2Pipeline pipeline, @Nullable LoadedTemplate<?, ?> template) {
        Map<String, Module> models = new LinkedHashMap<>();
        if (template != null) {
            models.put(TEMPLATE, template.model());
        }
        models.put(TRANSFORMER, pipeline.models().requireTransformer());
        return new TrainableParts(select(names, models), Map.of(), null);
    }

    /// Adds a LoRA, which is the result's from now on.
    public TrainableParts with(TrainedLora trained) {
        return new TrainableParts(ofModels, companions, trained);
    }

    /// SHA-256 over names and contents of a Template's weights that are not trained.
    ///
    /// @param names of what is trained, as in [#select]
    /// @return null without a Template
    public static @Nullable String frozenHash(Collection<String> names, @Nullable LoadedTemplate<?, ?> template) {
        if (template == null) {
            return null;
        }
        Set<String> parts = new LinkedHashSet<>();
        for (String name : names) {
            if (Module.isWithin(name, TEMPLATE)) {
                parts.add(checked(
                        name,
                        name.substring(Math.min(name.length(), TEMPLATE.length() + 1)),
                        TEMPLATE,
                        Map.of(TEMPLATE, template.model())));
            }
        }
        MessageDigest digest = Sha256.digest();
        template.model().state().forEach((name, parameter) -> {
            if (parameter.isBuffer() || parts.stream().noneMatch(part -> Module.isWithin(name, part))) {
                digest.update(name.getBytes(StandardCharsets.UTF_8));
                try (Scope _ = new Scope()) {
                    digest.update(Tensors.rawBytes(parameter.get()));
                }
            }
        });
        return Sha256.hex(digest);
    }

    private static Map<String, Parameter> select(Collection<String> names, Map<String, Module> models) {
        Map<String, Set<String>> parts = new LinkedHashMap<>();
        models.keySet().forEach(name -> parts.put(name, new LinkedHashSet<>()));
        for (String name : names) {
            int dot = name.indexOf('.');
            String root = dot < 0 ? name : name.substring(0, dot);
            Set<String> chosen = parts.get(root);
            if (chosen == null) {
                throw fault(name, "not a model that can be trained", models.keySet());
            }
            chosen.add(checked(name, dot < 0 ? "" : name.substring(dot + 1), root, models));
        }
        Map<String, Parameter> trainable = new LinkedHashMap<>();
        models.forEach((root, model) -> train(model, parts.get(root))
                .forEach((name, parameter) -> trainable.put("pipe." + root + "." + name, parameter)));
        return trainable;
    }

    private static String checked(String name, String part, String root, Map<String, Module> models) {
        Map<String, Parameter> state = Objects.requireNonNull(models.get(root)).state();
        boolean known = state.entrySet().stream()
                .filter(entry -> !entry.getValue().isBuffer())
                .map(Map.Entry::getKey)
                .anyMatch(key -> Module.isWithin(key, part));
        if (!known) {
            List<String> firstLevel = state.keySet().stream()
                    .map(key -> root + "." + key.split("\\.", 2)[0])
                    .distinct()
                    .toList();
            throw fault(name, "not a part with parameters to train", firstLevel);
        }
        return part;
    }

    private static InvalidRequestException fault(String name, String what, Collection<String> valid) {
        return new InvalidRequestException(
                "trainable_models", "'%s' is %s; valid names: %s".formatted(name, what, NameList.of(valid)));
    }

    private static Map<String, Parameter> train(Module model, @Nullable Set<String> parts) {
        Set<String> chosen = parts == null ? Set.of() : parts;
        Map<String, Parameter> state = model.state();
        Map<String, Parameter> trainable = new LinkedHashMap<>();
        model.trainOnly(Set.of());
        state.forEach((name, parameter) -> {
            if (!parameter.isBuffer() && chosen.stream().anyMatch(part -> Module.isWithin(name, part))) {
                parameter.quantization().ifPresent(quantization -> {
                    throw new InvalidRequestException(
                            "trainable_models", "'%s' rests in %s and cannot be trained".formatted(name, quantization));
                });
                if (parameter.dtype() != DType.FLOAT32) {
                    try (Scope _ = new Scope()) {
                        parameter.set(DType.FLOAT32.cast(parameter.get()));
                    }
                }
                trainable.put(name, parameter);
            }
        });
        model.trainOnly(trainable.keySet());
        trainable.values().forEach(Parameter::clearGradient); // of a run that was stopped within an update
        return trainable;
    }

    /// By full name, in the models' order.
    public Map<String, Parameter> parameters() {
        return parameters;
    }

    /// Those that are the models' own: all but those of the LoRA.
    public Map<String, Parameter> ofModels() {
        return ofModels;
    }

    /// The LoRA that is trained, or null.
    public @Nullable TrainedLora lora() {
        return lora;
    }

    /// Binds the LoRA to the transformer for this thread until the result is closed; nothing where none is trained.
    public LoraBinding bindLora() {
        return lora == null ? LoraBinding.none() : lora.bind();
    }

    /// Tensors that are saved with the parameters and not trained, by full name.
    public Map<String, Parameter> companions() {
        return companions;
    }

    /// Whether the latents of an image change with these parts.
    public boolean changeLatents() {
        return parameters.keySet().stream()
                .anyMatch(name -> LATENT_MAKERS.stream().anyMatch(name::startsWith));
    }

    /// Numbers in all of them.
    public long parameterCount() {
        return parameters.values().stream()
                .mapToLong(parameter -> parameter.get().numel())
                .sum();
    }

    /// True when a backward pass has reached one of them.
    public boolean anyGradient() {
        try (Scope _ = new Scope()) {
            return parameters.values().stream().anyMatch(parameter -> parameter.gradient() != null);
        }
    }

    /// Frees the LoRA; the models stay their owners'.
    @Override
    public void close() {
        if (lora != null) {
            lora.close();
        }
    }
}
