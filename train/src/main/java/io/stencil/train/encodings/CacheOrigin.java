package io.stencil.train.encodings;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.files.Sha256;
import io.stencil.flux2.files.BaseModelPart;
import io.stencil.flux2.text.PromptTokenizer;
import io.stencil.image.TargetSize;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.train.options.DataOptions.ExtraInput;
import io.stencil.train.options.ModelOptions;
import io.stencil.train.options.TrainOptions;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Describes how all samples of a cache are computed: hashes of models and code, and the options that decide the
/// numbers. The digest of a sample covers its own row.
///
/// @param json names and values, of one level
record CacheOrigin(ObjectNode json) {

    /// What of an origin must be the same.
    enum Extent {
        /// All of it: encoding goes on.
        ALL,
        /// What a training knows that has neither dataset nor all models.
        KNOWN
    }

    private static final String MASKED_LOSS = "masked_loss";
    private static final String CODE = "template_code_sha256";
    private static final List<String> CODE_FILES = List.of("Model.java", "model.jar");

    /// Reads all bytes of text encoder and VAE.
    ///
    /// @param frozenWeights hash of what of the Template is not trained, or null when none takes part
    /// @throws io.stencil.error.InvalidFileException when a file cannot be read
    static CacheOrigin of(TrainOptions options, ModelSet models, @Nullable String frozenWeights) {
        ObjectNode json = shared(options, models, frozenWeights);
        json.put("picture_size", text(options.data().size()));
        if (options.models().template() != null) { // which may draw random numbers
            Long seed = options.optimisation().seed();
            json.put("seed", seed == null ? 0 : seed);
        }
        return new CacheOrigin(json);
    }

    private static String text(TargetSize size) {
        return switch (size) {
            case TargetSize.Fixed fixed -> "%s x %s".formatted(fixed.width(), fixed.height());
            case TargetSize.Buckets buckets -> buckets.toString();
            case TargetSize.MaxPixels bound -> "at most %s pixels".formatted(bound.maxPixels());
        };
    }

    /// The same of a training that reads encoded samples: what it does not know is left out.
    static CacheOrigin ofTraining(TrainOptions options, ModelSet models, @Nullable String frozenWeights) {
        return new CacheOrigin(shared(options, models, frozenWeights));
    }

    private static ObjectNode shared(TrainOptions options, ModelSet models, @Nullable String frozenWeights) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("dtype", models.dtype().text());
        json.put("activation_dtype", models.compute().text());
        json.put(
                "extra_inputs",
                String.join(
                        ",",
                        options.data().extraInputs().stream()
                                .map(ExtraInput::key)
                                .sorted()
                                .toList()));
        if (options.data().maskedLoss() != null) {
            json.put(MASKED_LOSS, options.data().maskedLoss().option());
        }
        putModels(json, options.models());
        Path folder = options.models().template();
        if (folder != null) {
            json.put(CODE, code(folder));
            json.put("template_frozen_weights_sha256", frozenWeights);
        }
        return json;
    }

    private static void putModels(ObjectNode json, ModelOptions models) {
        ModelFiles files = models.base();
        for (List<Path> paths : files.parts()) {
            for (BaseModelPart part : BaseModelPart.recognise(paths)) {
                part.weights().close();
                ModelRole role = ModelRole.of(part.config());
                if (role != ModelRole.TRANSFORMER) { // which has no part in encoding
                    json.put(role.label() + "_sha256", hash(part.files()));
                    if (models.load().float8().contains(role)) {
                        json.put(role.label() + "_at_rest", "float8_e4m3fn");
                    }
                }
            }
        }
        if (files.tokenizer() != null) {
            json.put("tokenizer_sha256", Sha256.ofInput(files.tokenizer().resolve("tokenizer.json")));
        } else if (json.has(ModelRole.TEXT_ENCODER.label() + "_sha256")) { // the built-in one is used
            json.put("tokenizer_sha256", Sha256.of(PromptTokenizer.qwen3Json()));
        }
    }

    private static String code(Path folder) {
        return CODE_FILES.stream()
                .map(folder::resolve)
                .filter(Files::isRegularFile)
                .findFirst()
                .map(Sha256::ofInput)
                .orElse("none");
    }

    private static String hash(List<Path> files) {
        List<String> hashes = files.stream().map(Sha256::ofInput).toList();
        return hashes.size() == 1
                ? hashes.getFirst()
                : Sha256.of(String.join("", hashes).getBytes(StandardCharsets.US_ASCII));
    }

    /// @param cache whose origin `other` is
    /// @throws InvalidRequestException naming the first difference
    void requireSameAs(CacheOrigin other, Path cache, Extent extent) {
        Set<String> names = new TreeSet<>();
        json.fieldNames().forEachRemaining(names::add);
        names.add(MASKED_LOSS); // which an origin without masks does not name
        if (extent == Extent.ALL) {
            other.json.fieldNames().forEachRemaining(names::add);
        }
        for (String name : names) {
            String now = text(json, name);
            String then = text(other.json, name);
            if (!now.equals(then)) {
                throw new InvalidRequestException(
                        Location.of(cache),
                        "was encoded with another %s: %s, now %s; use what it was made with, or encode into another folder (--task sft:data_process)"
                                .formatted(name.replace("_sha256", "").replace('_', ' '), then, now));
            }
        }
    }

    private static String text(ObjectNode json, String name) {
        JsonNode value = json.get(name);
        return value == null ? "none" : value.asText();
    }
}
