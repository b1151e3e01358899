package io.stencil.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.StencilException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.json.Json;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.service.GenerationJob;
import io.stencil.service.ImageRequest;
import io.stencil.service.ImageService;
import io.stencil.service.JobEvent;
import io.stencil.service.ModelInfo;
import io.stencil.service.TemplateInfo;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/// OpenAI's Images API: generations and edits, also as a stream, and its listing of models. Beyond it there is the
/// field `stencil`, with Templates, LoRAs, seeds, steps, guidance and a negative prompt.
final class OpenAiImages {

    private static final int NAME = 200;
    private static final int MAX_IMAGES = 10;
    private static final int MAX_EDIT_IMAGES = 16;
    private static final int MAX_PARTIALS = 3;
    private static final int TOKEN_SIDE = 16;

    /// Values of `quality` that an answer may have; there is one quality, and the field changes nothing.
    private static final List<String> ANSWERED_QUALITIES = List.of("low", "medium", "high");

    /// OpenAI's own models, for which the base model stands in: clients name one unless they are configured.
    private static final Pattern STAND_IN = Pattern.compile("(dall-e|gpt-image|chatgpt-image)-[a-z0-9.-]+");

    private final ImageService service;
    private final RequestReader reader;
    private final Addresses addresses;
    private final long imagePixels;
    private final Metrics metrics;

    /// What a client sent, beside what is generated.
    ///
    /// @param event name of the events' family: `image_generation` or `image_edit`
    private record Wish(
            String event,
            Output output,
            boolean isUrl,
            boolean isStream,
            int partials,
            String quality,
            String background) {}

    OpenAiImages(ImageService service, RequestReader reader, Addresses addresses, long imagePixels, Metrics metrics) {
        this.service = service;
        this.reader = reader;
        this.addresses = addresses;
        this.imagePixels = imagePixels;
        this.metrics = metrics;
    }

    /// `POST /v1/images/generations`.
    void generate(Exchange exchange) throws IOException {
        Fields fields = Fields.ofJson(exchange.json());
        ImageRequest.Builder request = ImageRequest.of(fields.requiredText("prompt", RequestReader.PROMPT));
        Optional<ImageSize> size = reader.size(fields);
        size.ifPresent(chosen -> request.size(chosen.width(), chosen.height()));
        Wish wish = common(fields, request, "image_generation", new Uploads(imagePixels));
        fields.oneOf("moderation", "auto", "low");
        fields.oneOf("style", "vivid", "natural");
        fields.requireAllRead();
        wish.output().requireFits(size.orElse(service.model().size()));
        run(exchange, request, wish);
    }

    /// `POST /v1/images/edits`, as a form or as JSON.
    void edit(Exchange exchange) throws IOException {
        boolean isForm = exchange.contentType().equals(Bodies.FORM);
        if (!isForm && !exchange.contentType().equals("application/json")) {
            throw exchange.unsupportedType(Bodies.FORM);
        }
        Uploads uploads = new Uploads(imagePixels);
        Fields fields;
        List<byte[]> images;
        List<byte[]> masks;
        if (isForm) {
            Bodies.Form form = Bodies.form(exchange);
            fields = Fields.ofForm(form.texts());
            images = form.files("image");
            masks = form.files("mask");
            Fields.requireLength("image", images.size(), MAX_EDIT_IMAGES);
            requireKnownFiles(form.files());
        } else {
            fields = Fields.ofJson(exchange.json());
            images = fields.objects("images", MAX_EDIT_IMAGES).stream()
                    .map(OpenAiImages::linked)
                    .toList();
            masks = fields.object("mask").map(OpenAiImages::linked).stream().toList();
        }
        String field = isForm ? "image" : "images";
        if (images.isEmpty()) {
            throw ApiException.invalid(
                    field, "Missing required parameter: '%s'.".formatted(field), "missing_required_parameter");
        }
        Fields.requireLength("mask", masks.size(), 1);
        ImageRequest.Builder request = ImageRequest.of(fields.requiredText("prompt", RequestReader.PROMPT));
        Optional<ImageSize> size = reader.size(fields);
        RgbImage first = addImages(request, isForm ? "image" : "images[%s].image_url", images, masks, uploads);
        ImageSize chosen = size.orElseGet(() -> reader.fitting(first.size()));
        request.size(chosen.width(), chosen.height());
        Wish wish = common(fields, request, "image_edit", uploads);
        fields.oneOf("input_fidelity", "high", "low");
        fields.requireAllRead();
        wish.output().requireFits(chosen);
        run(exchange, request, wish);
    }

    /// Adds the images: with a mask the first is the one to change, and the others are references.
    ///
    /// @param field of an image, with a place for its index
    private static RgbImage addImages(
            ImageRequest.Builder request, String field, List<byte[]> images, List<byte[]> masks, Uploads uploads) {
        RgbImage first = uploads.image(field.formatted(0), images.getFirst());
        if (masks.isEmpty()) {
            request.editImage(first);
        } else {
            RgbImage mask = uploads.transparency("mask", masks.getFirst());
            if (!mask.size().equals(first.size())) {
                throw ApiException.invalidValue(
                        "mask",
                        "Invalid 'mask': it has %s pixels and the image %s; both must have the same size."
                                .formatted(mask.size(), first.size()));
            }
            request.inputImage(first, 1).mask(mask).overlay(true);
        }
        for (int i = 1; i < images.size(); i++) {
            request.editImage(uploads.image(field.formatted(i), images.get(i)));
        }
        return first;
    }

    private static void requireKnownFiles(Map<String, List<byte[]>> files) {
        files.keySet().stream()
                .filter(name -> !name.equals("image") && !name.equals("mask"))
                .findFirst()
                .ifPresent(name -> {
                    throw ApiException.invalid(name, "Unknown parameter: '%s'.".formatted(name), "unknown_parameter");
                });
    }

    /// Reads `{"image_url": "data:..."}`.
    private static byte[] linked(Fields image) {
        String url = image.requiredText("image_url", Integer.MAX_VALUE);
        image.requireAllRead();
        return Uploads.bytes(image.path("image_url"), url);
    }

    /// Reads the fields that generations and edits share.
    private Wish common(Fields fields, ImageRequest.Builder request, String event, Uploads uploads) {
        int n = Math.toIntExact(
                fields.whole("n", 1, Math.min(MAX_IMAGES, reader.maxImages())).orElse(1));
        request.n(n);
        Output output = Output.read(fields);
        boolean isUrl = fields.oneOf("response_format", "url", "b64_json")
                .orElse("b64_json")
                .equals("url");
        boolean isStream = fields.flag("stream").orElse(false);
        int partials =
                Math.toIntExact(fields.whole("partial_images", 0, MAX_PARTIALS).orElse(0));
        String quality = fields.oneOf("quality", "auto", "low", "medium", "high", "standard", "hd")
                .filter(ANSWERED_QUALITIES::contains)
                .orElse("high");
        String background =
                fields.oneOf("background", "auto", "opaque", "transparent").orElse("auto");
        if (background.equals("transparent")) {
            throw ApiException.invalidValue(
                    "background", "Transparent background is not supported; choose 'opaque' or 'auto'.");
        }
        fields.text("user", RequestReader.PROMPT);
        String model = fields.text("model", NAME).orElse("");
        Optional<Fields> beyond = fields.object("stencil");
        int steps = beyond.map(steering -> {
                    reader.steering(steering, request, n, uploads);
                    return steering.whole("steps", 1, Integer.MAX_VALUE);
                })
                .flatMap(given -> given.isPresent() ? Optional.of((int) given.getAsLong()) : Optional.empty())
                .orElse(service.model().steps());
        beyond.ifPresent(Fields::requireAllRead);
        useModel(model, request, beyond);
        if (isStream && partials > 0) {
            request.previews(Math.max(1, steps / (partials + 1)));
        }
        return new Wish(event, output, isUrl, isStream, partials, quality, background);
    }

    /// Applies the name of a model: the base model, one of OpenAI's in whose place it stands, or a Template, which then
    /// steers the base model without inputs of its own.
    private void useModel(String name, ImageRequest.Builder request, Optional<Fields> beyond) {
        if (name.isEmpty()
                || name.equals(service.model().name())
                || STAND_IN.matcher(name).matches()) {
            return;
        }
        TemplateInfo named = service.templates().stream()
                .filter(template -> template.name().equals(name))
                .findFirst()
                .orElseThrow(() -> ApiException.invalid(
                        "model",
                        "The model '%s' does not exist; GET /v1/models lists them.".formatted(name),
                        "model_not_found"));
        boolean isUsed = beyond.stream()
                .flatMap(fields -> fields.objects("templates", Integer.MAX_VALUE).stream())
                .anyMatch(use -> use.text("name", NAME).equals(Optional.of(name)));
        if (!isUsed) {
            request.template(
                    name,
                    new InputReader(new Uploads(imagePixels), false)
                            .object(named.inputSchema(), RequestReader.object(), "stencil.templates[0].inputs"));
        }
    }

    private void run(Exchange exchange, ImageRequest.Builder request, Wish wish) throws IOException {
        GenerationJob job = JobFollower.submit(service, request.build());
        JobFollower follower = new JobFollower(exchange, job);
        if (wish.isStream()) {
            stream(exchange, job, follower, wish);
            return;
        }
        List<GeneratedImage> images = follower.images(null, _ -> {});
        if (images.size() == 1 && exchange.accepts(wish.output().format().mediaType())) {
            exchange.send(
                    200,
                    wish.output().format().mediaType(),
                    wish.output().encode(images.getFirst(), job.parameters().getFirst()));
            return;
        }
        ObjectNode response = RequestReader.object().put("created", created(job));
        ArrayNode data = response.putArray("data");
        for (int i = 0; i < images.size(); i++) {
            if (wish.isUrl()) {
                data.addObject()
                        .put(
                                "url",
                                addresses.image(exchange, job, i, wish.output().format()));
            } else {
                data.addObject()
                        .put(
                                "b64_json",
                                wish.output()
                                        .base64(images.get(i), job.parameters().get(i)));
            }
        }
        describe(response, images.getFirst(), wish);
        response.set("usage", usage(images));
        stencil(response, job);
        exchange.send(200, response);
    }

    private void stream(Exchange exchange, GenerationJob job, JobFollower follower, Wish wish) throws IOException {
        Exchange.Events events = exchange.events();
        try {
            int[] sent = new int[1];
            List<GeneratedImage> images = follower.images(events, event -> {
                if (event instanceof JobEvent.Step step && step.preview().isPresent() && sent[0] < wish.partials()) {
                    partial(events, job, step.preview().get(), sent[0]++, wish);
                }
            });
            for (int i = 0; i < images.size(); i++) {
                GeneratedImage image = images.get(i);
                String type = wish.event() + ".completed";
                ObjectNode data = RequestReader.object()
                        .put("type", type)
                        .put(
                                "b64_json",
                                wish.output().base64(image, job.parameters().get(i)))
                        .put("created_at", created(job));
                describe(data, image, wish);
                data.set("usage", usage(List.of(image)));
                stencil(data, job);
                events.send(type, null, data);
            }
        } catch (StencilException fault) {
            ApiException known = ApiException.of(fault);
            if (known == null) {
                exchange.report(fault);
            }
            events.send("error", null, (known == null ? ApiException.failed(exchange.id()) : known).body());
        } catch (ApiException fault) {
            events.send("error", null, fault.body());
        }
        events.end();
    }

    private static void partial(Exchange.Events events, GenerationJob job, RgbImage preview, int index, Wish wish)
            throws IOException {
        String type = wish.event() + ".partial_image";
        ObjectNode data = RequestReader.object()
                .put("type", type)
                .put("b64_json", wish.output().base64(preview))
                .put("partial_image_index", index)
                .put("created_at", created(job))
                .put("size", RequestReader.text(preview.size()))
                .put("quality", wish.quality())
                .put("background", "opaque")
                .put("output_format", wish.output().name());
        events.send(type, null, data);
    }

    private static long created(GenerationJob job) {
        return job.submitted().getEpochSecond();
    }

    private static void describe(ObjectNode response, GeneratedImage image, Wish wish) {
        response.put("size", RequestReader.text(image.image().size()))
                .put("quality", wish.quality())
                .put("background", "opaque")
                .put("output_format", wish.output().name());
    }

    /// Counts latent tokens, in the form of OpenAI's API; text is not counted.
    private static ObjectNode usage(List<GeneratedImage> images) {
        long tokens = 0;
        for (GeneratedImage image : images) {
            tokens += (long) Math.ceilDiv(image.image().width(), TOKEN_SIDE)
                    * Math.ceilDiv(image.image().height(), TOKEN_SIDE);
        }
        ObjectNode usage = RequestReader.object()
                .put("input_tokens", 0)
                .put("output_tokens", tokens)
                .put("total_tokens", tokens);
        usage.putObject("input_tokens_details").put("text_tokens", 0).put("image_tokens", 0);
        return usage;
    }

    private static void stencil(ObjectNode response, GenerationJob job) {
        ObjectNode stencil = response.putObject("stencil").put("job", job.id());
        job.request().seeds().forEach(stencil.putArray("seeds")::add);
        job.warnings().forEach(stencil.putArray("warnings")::add);
    }

    /// `GET /v1/models`.
    void models(Exchange exchange) throws IOException {
        ModelInfo base = service.model();
        ObjectNode list = RequestReader.object().put("object", "list");
        ArrayNode data = list.putArray("data");
        data.add(model(base.name()));
        service.templates().forEach(template -> data.add(model(template.name())));
        exchange.send(200, list);
    }

    /// `GET /v1/models/{model}`.
    void model(Exchange exchange, String name) throws IOException {
        if (!name.equals(service.model().name())
                && service.templates().stream()
                        .noneMatch(template -> template.name().equals(name))) {
            throw new ApiException(
                    ApiException.NOT_FOUND,
                    "The model '%s' does not exist".formatted(name),
                    "model",
                    "model_not_found");
        }
        exchange.send(200, model(name));
    }

    private ObjectNode model(String name) {
        return Json.MAPPER
                .createObjectNode()
                .put("id", name)
                .put("object", "model")
                .put("created", metrics.started().getEpochSecond())
                .put("owned_by", name.equals(service.model().name()) ? "stencil" : "stencil-template");
    }
}
