package io.stencil.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.NameList;
import io.stencil.error.SimilarNames;
import io.stencil.image.ImageSize;
import io.stencil.json.Json;
import io.stencil.service.ImageRequest;
import io.stencil.service.ImageService;
import io.stencil.service.ServiceSettings;
import io.stencil.service.TemplateInfo;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads the fields of a request that both interfaces have, into an [ImageRequest].
final class RequestReader {

    /// Longest prompt, in characters, as OpenAI's.
    static final int PROMPT = 32_000;

    private static final int NAME = 200;
    private static final int LIST = 32;
    private static final long MAX_SEED = 0xFFFF_FFFFL;
    private static final double MAX_FACTOR = 1e6;
    private static final int TOKEN = 16;

    /// Pixels of a model's usual images from which on edit images are brought to about 1024 x 1024 pixels.
    private static final long RESIZED_FROM = 512 * 512;

    private static final Pattern SIZE = Pattern.compile("([1-9][0-9]{0,5})x([1-9][0-9]{0,5})");

    private final ImageService service;

    RequestReader(ImageService service) {
        this.service = service;
    }

    /// Largest number of images of a request.
    int maxImages() {
        return service.settings().limits().images();
    }

    /// Reads `size`, such as `1024x768`; empty for `auto` and where it is absent.
    ///
    /// @throws ApiException when a side is no multiple of 16, or there are more pixels than the service allows
    Optional<ImageSize> size(Fields fields) {
        return fields.text("size", NAME).filter(text -> !text.equals("auto")).map(text -> {
            Matcher sides = SIZE.matcher(text);
            if (!sides.matches()) {
                throw ApiException.invalidValue(
                        fields.path("size"),
                        "Invalid size '%s'. Expected WIDTHxHEIGHT in pixels, such as '1024x1024', or 'auto'."
                                .formatted(text));
            }
            ImageSize size = new ImageSize(Integer.parseInt(sides.group(1)), Integer.parseInt(sides.group(2)));
            long most = service.settings().limits().pixels();
            if (size.width() % TOKEN != 0 || size.height() % TOKEN != 0) {
                throw ApiException.invalidValue(
                        fields.path("size"),
                        "Invalid size '%s'. Width and height must be multiples of %s pixels.".formatted(text, TOKEN));
            }
            if ((long) size.width() * size.height() > most) {
                throw ApiException.invalidValue(
                        fields.path("size"),
                        "Invalid size '%s'. The service makes images of at most %s pixels.".formatted(text, most));
            }
            return size;
        });
    }

    /// Returns the size of an image, its sides rounded down to multiples of 16, and scaled into what the service
    /// allows.
    ImageSize fitting(ImageSize size) {
        long most = service.settings().limits().pixels();
        double scale = Math.min(1, Math.sqrt(most / ((double) size.width() * size.height())));
        return new ImageSize(rounded(size.width() * scale), rounded(size.height() * scale));
    }

    private static int rounded(double side) {
        return Math.max(TOKEN, (int) Math.floor(side / TOKEN) * TOKEN);
    }

    /// Reads Templates, LoRAs, seeds, steps, guidance, the negative prompt and whether edit images are resized.
    void steering(Fields fields, ImageRequest.Builder request, int n, Uploads uploads) {
        ServiceSettings.Limits limits = service.settings().limits();
        fields.text("negative_prompt", PROMPT).ifPresent(request::negativePrompt);
        fields.whole("steps", 1, limits.steps()).ifPresent(steps -> request.steps(Math.toIntExact(steps)));
        fields.number("guidance", -MAX_FACTOR, MAX_FACTOR).ifPresent(request::guidance);
        fields.whole("seed", 0, MAX_SEED - n + 1).ifPresent(request::seed);
        List<Long> seeds = fields.wholes("seeds", limits.images(), 0, MAX_SEED);
        if (!seeds.isEmpty()) {
            if (seeds.size() != n) {
                throw ApiException.invalidValue(
                        fields.path("seeds"),
                        "Invalid '%s': %s seeds for %s images; give one for each."
                                .formatted(fields.path("seeds"), seeds.size(), n));
            }
            request.seeds(seeds);
        }
        ImageSize usual = service.model().size();
        boolean isLarge = (long) usual.width() * usual.height() >= RESIZED_FROM;
        request.autoResize(fields.flag("auto_resize").orElse(isLarge));
        for (Fields use : fields.objects("templates", LIST)) {
            String name = use.requiredText("name", NAME);
            TemplateInfo template = template(use.path("name"), name);
            Map<String, Object> inputs = new InputReader(uploads, use.isForm())
                    .object(
                            template.inputSchema(),
                            use.freeObject("inputs").orElseGet(RequestReader::object),
                            use.path("inputs"));
            Optional<Map<String, Object>> negative = use.freeObject("negative_inputs")
                    .map(values -> new InputReader(uploads, use.isForm())
                            .object(template.inputSchema(), values, use.path("negative_inputs")));
            use.requireAllRead();
            request.template(new ImageRequest.TemplateUse(name, inputs, negative.orElse(null)));
        }
        for (Fields use : fields.objects("loras", LIST)) {
            String name = use.requiredText("name", NAME);
            double strength = use.number("strength", -MAX_FACTOR, MAX_FACTOR).orElse(1);
            use.requireAllRead();
            requireLora(use.path("name"), name);
            request.lora(name, strength);
        }
    }

    private TemplateInfo template(String field, String name) {
        return service.templates().stream()
                .filter(template -> template.name().equals(name))
                .findFirst()
                .orElseThrow(() -> unknown(
                        field,
                        "template",
                        name,
                        service.templates().stream().map(TemplateInfo::name).toList()));
    }

    private void requireLora(String field, String name) {
        List<String> names = service.loras().stream().map(lora -> lora.name()).toList();
        if (!names.contains(name)) {
            throw unknown(field, "lora", name, names);
        }
    }

    private static ApiException unknown(String field, String kind, String name, List<String> names) {
        return ApiException.invalid(
                field,
                "The %s '%s' does not exist; there are %s%s."
                        .formatted(kind, name, NameList.of(names), SimilarNames.question(name, names)),
                kind + "_not_found");
    }

    /// Describes a size as OpenAI's API does: `1024x768`.
    static String text(ImageSize size) {
        return size.width() + "x" + size.height();
    }

    static ObjectNode object() {
        return Json.MAPPER.createObjectNode();
    }
}
