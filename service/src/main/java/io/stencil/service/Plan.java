package io.stencil.service;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.error.SimilarNames;
import io.stencil.pipeline.GenerationParameters;
import io.stencil.pipeline.GenerationParameters.Lora;
import io.stencil.pipeline.GenerationParameters.Template;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.template.TemplateInput;
import io.stencil.template.load.InputBinder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// What a worker does for one job: the request with the defaults of the service, bound to its Templates.
///
/// @param request of the pipeline; the seeds take the place of its own
/// @param seeds one for each image
/// @param positive Template inputs of the prompt's side
/// @param negative Template inputs of the negative side
/// @param templates that take part, in the order of the settings
/// @param loras in the order of the request
record Plan(
        GenerationRequest request,
        List<Long> seeds,
        List<TemplateInput> positive,
        List<TemplateInput> negative,
        Map<Integer, ServedFile> templates,
        List<LoraUse> loras) {

    /// @param strength factor of the update
    record LoraUse(ServedFile file, double strength) {}

    /// Fingerprints of the files of Templates and LoRAs, as they are now.
    ///
    /// @throws io.stencil.error.InvalidFileException when one is absent by now
    List<Optional<String>> hashes() {
        return Stream.concat(templates.values().stream(), loras.stream().map(LoraUse::file))
                .map(file -> Optional.ofNullable(file.hash()))
                .toList();
    }

    /// Denoising steps of all images, each counted by itself.
    long steps() {
        return (long) Objects.requireNonNull(request.steps()) * seeds.size();
    }

    /// Work of the job, in pixels that pass the transformer.
    double work() {
        return (double) steps() * request.width() * request.height() * (request.isGuided() ? 2 : 1);
    }

    /// The parameters of each image, which it may carry.
    List<GenerationParameters> parameters(GenerationParameters.Model model) {
        List<Integer> ids = List.copyOf(templates.keySet());
        GenerationParameters.Builder parameters = GenerationParameters.of(request, model)
                .loras(loras.stream()
                        .map(use -> new Lora(
                                use.file().name(),
                                Objects.requireNonNull(use.file().hash()),
                                use.strength()))
                        .toList())
                .templates(templates.values().stream()
                        .map(file -> new Template(file.name(), file.hash()))
                        .toList())
                .templateInputs(recorded(positive, ids), recorded(negative, ids));
        return seeds.stream().map(seed -> parameters.seed(seed).build()).toList();
    }

    /// @param ids of the Templates that take part, to which `model_id` refers
    private static List<ObjectNode> recorded(List<TemplateInput> inputs, List<Integer> ids) {
        List<ObjectNode> recorded = new ArrayList<>();
        for (TemplateInput input : inputs) {
            recorded.add(input.json().put("model_id", ids.indexOf(input.modelId())));
        }
        return recorded;
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

        /// Place of a fault in the inputs of a Template as a whole.
        private static final String WHOLE = "template_inputs";

        private final ServiceSettings settings;
        private final ModelInfo model;
        private final List<ServedFile> templates;
        private final List<InputBinder<?>> binders;
        private final List<ServedFile> loras;

        /// @param templates in the order of the settings
        /// @param binders of their inputs
        Planner(
                ServiceSettings settings,
                ModelInfo model,
                List<ServedFile> templates,
                List<InputBinder<?>> binders,
                List<ServedFile> loras) {
            this.settings = settings;
            this.model = model;
            this.templates = List.copyOf(templates);
            this.binders = List.copyOf(binders);
            this.loras = List.copyOf(loras);
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
            if (request.images().edit() != null && !request.images().edit().autoResize()) {
                long references = request.images().edit().images().stream()
                        .mapToLong(image -> (long) image.width() * image.height())
                        .sum();
                limit("edit_image", references, limits.pixels(), "pixels together without auto_resize");
            }
            GenerationRequest complete = pipelineRequest(request);
            limit("steps", Objects.requireNonNull(complete.steps()), limits.steps(), "steps");
            long pixels = ServiceSettings.Limits.pixelsOf(complete.width(), complete.height());
            limit("width, height", pixels, limits.pixels(), "pixels");
            List<TemplateInput> positive = new ArrayList<>();
            List<TemplateInput> negative = new ArrayList<>();
            Map<Integer, ServedFile> used = new TreeMap<>();
            for (int i = 0; i < request.templates().size(); i++) {
                ImageRequest.TemplateUse use = request.templates().get(i);
                String field = "templates[%s].".formatted(i);
                List<String> names = templates.stream().map(ServedFile::name).toList();
                int id = names.indexOf(use.name());
                if (id < 0) {
                    throw unknown(field + "name", use.name(), names);
                }
                used.put(id, templates.get(id));
                positive.add(input(field + "inputs", id, use.inputs()));
                if (use.negativeInputs() != null) {
                    negative.add(input(field + "negative_inputs", id, use.negativeInputs()));
                }
            }
            return new Plan(complete, request.seeds(), positive, negative, used, loras(request));
        }

        /// @throws InvalidRequestException naming a LoRA that the service does not have
        private List<LoraUse> loras(ImageRequest request) {
            List<LoraUse> used = new ArrayList<>();
            for (ImageRequest.LoraUse use : request.loras()) {
                List<String> names = loras.stream().map(ServedFile::name).toList();
                int index = names.indexOf(use.name());
                if (index < 0) {
                    throw unknown("loras[%s].name".formatted(used.size()), use.name(), names);
                }
                used.add(new LoraUse(loras.get(index), use.strength()));
            }
            return used;
        }

        /// @param place of the inputs in the request
        /// @throws InvalidRequestException naming the field that does not fit the Template
        private TemplateInput input(String place, int id, Map<String, Object> inputs) {
            try {
                TemplateInput input = TemplateInput.of(id, inputs);
                binders.get(id).bind(input);
                return input;
            } catch (InvalidRequestException e) {
                Location location = e.location();
                String field = location == null || location.field() == null || WHOLE.equals(location.field())
                        ? place
                        : place + "." + location.field();
                throw new InvalidRequestException(Location.ofField(field), e.what(), e);
            }
        }

        private GenerationRequest pipelineRequest(ImageRequest request) {
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
            for (LoraUse lora : loras(request)) {
                builder.lora(
                        Objects.requireNonNull(settings.loras().get(lora.file().name())), lora.strength());
            }
            try {
                GenerationRequest complete = builder.build();
                if (request.templates().isEmpty()) {
                    complete.requireImages();
                }
                return complete;
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
                    "there is no '%s'; this service has %s%s"
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
