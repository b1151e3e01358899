package io.stencil.service;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.error.SimilarNames;
import io.stencil.image.RgbImage;
import io.stencil.json.Json;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.template.TemplateInput;
import io.stencil.template.load.InputBinder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/// What a worker does for one job: the request with the defaults of the service, bound to its Templates.
///
/// @param first request of the first image; those of the others differ in the seed
/// @param seeds one for each image
/// @param positive Template inputs of the prompt's side
/// @param negative Template inputs of the negative side
record Plan(GenerationRequest first, List<Long> seeds, List<TemplateInput> positive, List<TemplateInput> negative) {

    /// Denoising steps of all images, each counted by itself.
    long steps() {
        return (long) first.steps() * seeds.size();
    }

    /// Work of the job, in pixels that pass the transformer.
    double work() {
        return (double) steps() * first.width() * first.height() * (first.isGuided() ? 2 : 1);
    }

    /// Turns requests into plans, within the limits of the service.
    static final class Planner {

        /// Fields of an [ImageRequest] by the parameter of the pipeline that they become.
        private static final Map<String, String> FIELDS = Map.of(
                "cfg_scale", "guidance",
                "num_inference_steps", "steps",
                "denoising_strength", "strength",
                "inpaint_mask", "mask",
                "inpaint_overlay", "overlay",
                "lora_alpha", "loras.strength");

        private final ServiceSettings settings;
        private final ModelInfo model;
        private final List<String> templates;
        private final List<InputBinder<?>> binders;

        /// @param binders of the Templates' inputs, in the order of the settings
        Planner(ServiceSettings settings, ModelInfo model, List<InputBinder<?>> binders) {
            this.settings = settings;
            this.model = model;
            this.templates = List.copyOf(settings.templates().keySet());
            this.binders = List.copyOf(binders);
        }

        /// Copies a request with seeds of this method's choice where it has none.
        ImageRequest seeded(ImageRequest request) {
            if (!request.seeds().isEmpty()) {
                return request;
            }
            limit("n", request.n(), settings.limits().images(), "images");
            long first = ThreadLocalRandom.current().nextLong(ImageRequest.MAX_SEED - request.n() + 2);
            return request.withSeeds(
                    LongStream.range(first, first + request.n()).boxed().toList());
        }

        /// @param request with its seeds
        /// @throws InvalidRequestException naming the field that cannot be used
        Plan plan(ImageRequest request) {
            ServiceSettings.Limits limits = settings.limits();
            limit("n", request.n(), limits.images(), "images");
            int editImages = request.images().edit() == null
                    ? 0
                    : request.images().edit().images().size();
            limit("edit_image", editImages, limits.editImages(), "edit images");
            GenerationRequest first = first(request);
            limit("steps", first.steps(), limits.steps(), "steps");
            long pixels = (long) Math.ceilDiv(first.width(), 16) * Math.ceilDiv(first.height(), 16) * 256;
            limit("width, height", pixels, limits.pixels(), "pixels");
            List<TemplateInput> positive = new ArrayList<>();
            List<TemplateInput> negative = new ArrayList<>();
            for (ImageRequest.TemplateUse use : request.templates()) {
                int id = templates.indexOf(use.name());
                if (id < 0) {
                    throw unknown("templates", use.name(), templates);
                }
                positive.add(input(id, use.inputs()));
                if (use.negativeInputs() != null) {
                    negative.add(input(id, use.negativeInputs()));
                }
            }
            return new Plan(first, request.seeds(), positive, negative);
        }

        /// @throws InvalidRequestException naming the field that does not fit the Template
        private TemplateInput input(int id, Map<String, Object> inputs) {
            TemplateInput input = new TemplateInput(id, (ObjectNode) node("", inputs), Path.of(""));
            binders.get(id).bind(input.fields(), input.folder());
            return input;
        }

        /// @param path of the value, for messages
        private static JsonNode node(String path, @Nullable Object value) {
            return switch (value) {
                case Map<?, ?> map -> {
                    ObjectNode object = JsonNodeFactory.instance.objectNode();
                    map.forEach((name, field) -> object.set(
                            String.valueOf(name), node(path.isEmpty() ? "" + name : path + "." + name, field)));
                    yield object;
                }
                case List<?> list -> {
                    ArrayNode array = JsonNodeFactory.instance.arrayNode();
                    list.forEach(element -> array.add(node("%s[%s]".formatted(path, array.size()), element)));
                    yield array;
                }
                case RgbImage image -> JsonNodeFactory.instance.pojoNode(image);
                case JsonNode json -> json;
                case Enum<?> constant -> JsonNodeFactory.instance.textNode(constant.name());
                case String _, Number _, Boolean _ -> Json.MAPPER.valueToTree(value);
                case null, default ->
                    throw new InvalidRequestException(
                            path,
                            "must be a number, a string, true or false, an RgbImage, or a list or map of these, found %s"
                                    .formatted(
                                            value == null
                                                    ? "null"
                                                    : value.getClass().getName()));
            };
        }

        private GenerationRequest first(ImageRequest request) {
            GenerationRequest.Builder builder = GenerationRequest.of(request.prompt())
                    .negativePrompt(request.negativePrompt())
                    .seed(request.seeds().getFirst())
                    .size(
                            orElse(request.height(), model.size().height()),
                            orElse(request.width(), model.size().width()))
                    .steps(orElse(request.steps(), model.steps()))
                    .cfgScale(orElse(request.guidance(), model.guidance()))
                    .denoisingStrength(request.strength())
                    .inpaintOverlay(request.images().overlay());
            if (request.embeddedGuidance() != null) {
                builder.embeddedGuidance(request.embeddedGuidance());
            }
            if (request.images().input() != null) {
                builder.inputImage(request.images().input());
            }
            if (request.images().edit() != null) {
                builder.editImages(request.images().edit());
            }
            if (request.images().inpaint() != null) {
                builder.inpaint(request.images().inpaint());
            }
            for (ImageRequest.LoraUse use : request.loras()) {
                if (!settings.loras().containsKey(use.name())) {
                    throw unknown(
                            "loras", use.name(), List.copyOf(settings.loras().keySet()));
                }
                builder.lora(Objects.requireNonNull(settings.loras().get(use.name())), use.strength());
            }
            try {
                GenerationRequest first = builder.build();
                if (request.templates().isEmpty()) {
                    first.requireImages();
                }
                return first;
            } catch (InvalidRequestException e) {
                throw renamed(e);
            }
        }

        private static <T> T orElse(@Nullable T value, T otherwise) {
            return value == null ? otherwise : value;
        }

        /// The error with the field's name in an [ImageRequest].
        private static InvalidRequestException renamed(InvalidRequestException e) {
            Location location = e.location();
            if (location == null || location.field() == null) {
                return e;
            }
            String field = location.field();
            return new InvalidRequestException(Location.ofField(FIELDS.getOrDefault(field, field)), e.what(), e);
        }

        private static InvalidRequestException unknown(String field, String name, List<String> names) {
            return new InvalidRequestException(
                    field,
                    "has no '%s'; there are %s%s"
                            .formatted(name, NameList.of(names), SimilarNames.question(name, names)));
        }

        private static void limit(String field, long value, long limit, String unit) {
            if (value > limit) {
                throw new InvalidRequestException(
                        field, "%s %s are more than this service's limit of %s".formatted(value, unit, limit));
            }
        }
    }
}
