package io.stencil.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.StencilException;
import io.stencil.image.ImageFormat;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.service.GenerationJob;
import io.stencil.service.ImageRequest;
import io.stencil.service.ImageService;
import io.stencil.service.JobEvent;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// The native interface: asynchronous jobs with their events and images.
final class Jobs {

    private static final int NAME = 200;
    private static final int MAX_EDIT_IMAGES = 16;

    private final ImageService service;
    private final RequestReader reader;
    private final Addresses addresses;
    private final long imagePixels;

    Jobs(ImageService service, RequestReader reader, Addresses addresses, long imagePixels) {
        this.service = service;
        this.reader = reader;
        this.addresses = addresses;
        this.imagePixels = imagePixels;
    }

    /// `POST /api/jobs`.
    void submit(Exchange exchange) throws IOException {
        GenerationJob job = JobFollower.submit(service, request(Fields.ofJson(exchange.json())));
        exchange.header("Location", addresses.job(job));
        exchange.send(202, describe(job));
    }

    private ImageRequest request(Fields fields) {
        Uploads uploads = new Uploads(imagePixels);
        ImageRequest.Builder request = ImageRequest.of(fields.requiredText("prompt", RequestReader.PROMPT));
        List<Long> seeds = fields.wholes("seeds", reader.maxImages(), 0, Long.MAX_VALUE);
        int n = Math.toIntExact(fields.whole("n", 1, reader.maxImages()).orElse(Math.max(1, seeds.size())));
        request.n(n);
        Optional<RgbImage> input =
                fields.text("input_image", Integer.MAX_VALUE).map(text -> uploads.image("input_image", text));
        OptionalDouble strength = fields.number("strength", 0, 1);
        if (strength.orElse(1) == 0) {
            throw ApiException.invalidValue("strength", "Invalid 'strength': it must be above 0.");
        }
        input.ifPresent(image -> request.inputImage(image, strength.orElse(1)));
        if (input.isEmpty() && strength.isPresent()) {
            throw ApiException.invalidValue("strength", "Invalid 'strength': it needs 'input_image'.");
        }
        fields.text("mask", Integer.MAX_VALUE)
                .ifPresent(text -> request.mask(uploads.image("mask", text)).overlay(true));
        int index = 0;
        for (String text : fields.texts("edit_images", MAX_EDIT_IMAGES)) {
            request.editImage(uploads.image("edit_images[%s]".formatted(index++), text));
        }
        Optional<ImageSize> size =
                reader.size(fields).or(() -> input.map(RgbImage::size).map(reader::fitting));
        size.ifPresent(chosen -> request.size(chosen.width(), chosen.height()));
        fields.whole("previews", 0, Integer.MAX_VALUE)
                .ifPresent(interval -> request.previews(Math.toIntExact(interval)));
        reader.steering(fields, request, n, uploads);
        fields.requireAllRead();
        return request.build();
    }

    /// `GET /api/jobs`.
    void list(Exchange exchange) throws IOException {
        ObjectNode list = RequestReader.object();
        ArrayNode jobs = list.putArray("jobs");
        service.jobs().forEach(job -> jobs.add(describe(job)));
        exchange.send(200, list);
    }

    /// `GET /api/jobs/{id}`.
    void get(Exchange exchange, String id) throws IOException {
        exchange.send(200, describe(job(id)));
    }

    /// `DELETE /api/jobs/{id}`: cancels the job; one that has ended stays as it is.
    void cancel(Exchange exchange, String id) throws IOException {
        GenerationJob job = job(id);
        job.cancel();
        exchange.send(202, describe(job));
    }

    /// `GET /api/jobs/{id}/events`: the events so far, then each as it comes; with `Last-Event-ID` those after it.
    void events(Exchange exchange, String id) throws IOException {
        GenerationJob job = job(id);
        long last = lastEvent(exchange.headers().get("Last-Event-ID"));
        Exchange.Events events = exchange.events();
        new JobFollower(exchange, job).follow(events, event -> {
            long number = number(event);
            if (number > last) {
                events.send(name(event), String.valueOf(number), data(exchange, job, event));
            }
        });
        events.end();
    }

    private static long lastEvent(@Nullable String header) {
        return header != null && header.matches("[0-9]{1,18}") ? Long.parseLong(header) : 0;
    }

    /// Numbers events in their order, whichever of them a subscriber sees: places in the queue fall, steps rise.
    private static long number(JobEvent event) {
        long started = 1_000_000;
        return switch (event) {
            case JobEvent.Queued queued -> Math.max(1, started - queued.place());
            case JobEvent.Started _ -> started;
            case JobEvent.Step step -> started + step.step();
            case JobEvent.Done _, JobEvent.Failed _, JobEvent.Cancelled _ -> 1_000_000_000_000L;
        };
    }

    private static String name(JobEvent event) {
        return event.getClass().getSimpleName().toLowerCase(Locale.ROOT);
    }

    private ObjectNode data(Exchange exchange, GenerationJob job, JobEvent event) throws IOException {
        ObjectNode data = RequestReader.object();
        switch (event) {
            case JobEvent.Queued queued -> data.put("place", queued.place());
            case JobEvent.Started _, JobEvent.Cancelled _ -> {}
            case JobEvent.Step step -> {
                data.put("step", step.step()).put("of", step.of()).put("first", step.first());
                if (!step.previews().isEmpty()) {
                    Output png = new Output(ImageFormat.PNG, null);
                    ArrayNode previews = data.putArray("previews");
                    for (RgbImage preview : step.previews()) {
                        previews.add(png.base64(preview));
                    }
                }
            }
            case JobEvent.Done done -> images(data, job, done.images());
            case JobEvent.Failed failed -> data.set("error", error(exchange.id(), failed.fault()));
        }
        return data;
    }

    /// `GET /api/jobs/{id}/images/{n}`, n from 0; `?format=` chooses PNG, JPEG or WebP, `Accept` PNG or JPEG.
    void image(Exchange exchange, String id, String number) throws IOException {
        GenerationJob job = job(id);
        Output output = output(exchange);
        CompletableFuture<List<GeneratedImage>> result = job.result();
        if (job.state() != GenerationJob.State.DONE) {
            throw new ApiException(
                    ApiException.CONFLICT,
                    "The job has no images: its state is '%s'.".formatted(state(job)),
                    null,
                    "job_not_done");
        }
        List<GeneratedImage> images = result.join();
        if (!number.matches("[0-9]{1,4}") || Integer.parseInt(number) >= images.size()) {
            throw new ApiException(
                    ApiException.NOT_FOUND,
                    "The job has %s images, counted from 0.".formatted(images.size()),
                    null,
                    "image_not_found");
        }
        exchange.header("Cache-Control", "private, max-age=3600");
        int index = Integer.parseInt(number);
        exchange.send(
                200,
                output.format().mediaType(),
                output.encode(images.get(index), job.parameters().get(index)));
    }

    private static Output output(Exchange exchange) {
        String name = exchange.query("format");
        if (name != null) {
            if (!List.of("png", "jpeg", "webp").contains(name)) {
                throw ApiException.invalidValue(
                        "format", "Invalid value: '%s'. Supported values are: 'png', 'jpeg', 'webp'.".formatted(name));
            }
            return new Output(Output.format(name), null);
        }
        return new Output(exchange.accepts("image/jpeg") ? ImageFormat.JPEG : ImageFormat.PNG, null);
    }

    private GenerationJob job(String id) {
        return service.job(id)
                .orElseThrow(() -> new ApiException(
                        ApiException.NOT_FOUND,
                        "There is no job '%s' here: jobs are kept for a while on the replica that accepted them."
                                .formatted(id.length() > NAME ? id.substring(0, NAME) : id),
                        null,
                        "job_not_found"));
    }

    private static String state(GenerationJob job) {
        return job.state().name().toLowerCase(Locale.ROOT);
    }

    private ObjectNode describe(GenerationJob job) {
        GenerationJob.State state = job.state();
        ObjectNode object = RequestReader.object()
                .put("id", job.id())
                .put("url", addresses.job(job))
                .put("state", state.name().toLowerCase(Locale.ROOT))
                .put("place", job.place())
                .put("step", job.step())
                .put("steps", job.steps())
                .put("submitted", job.submitted().toString());
        job.started().ifPresent(time -> object.put("started", time.toString()));
        job.finished().ifPresent(time -> object.put("finished", time.toString()));
        job.request().seeds().forEach(object.putArray("seeds")::add);
        job.warnings().forEach(object.putArray("warnings")::add);
        if (state == GenerationJob.State.DONE) {
            images(object, job, job.result().join());
        } else if (state == GenerationJob.State.FAILED) {
            job.result().exceptionally(fault -> {
                if (fault instanceof StencilException known) {
                    object.set("error", error(job.id(), known));
                }
                return List.of();
            });
        }
        return object;
    }

    private void images(ObjectNode object, GenerationJob job, List<GeneratedImage> images) {
        ArrayNode array = object.putArray("images");
        for (int i = 0; i < images.size(); i++) {
            array.addObject()
                    .put("url", addresses.job(job) + "/images/" + i)
                    .put("size", RequestReader.text(images.get(i).image().size()))
                    .put("seed", job.request().seeds().get(i));
        }
    }

    private static ObjectNode error(String id, StencilException fault) {
        ApiException known = ApiException.of(fault);
        return (ObjectNode)
                (known == null ? ApiException.failed(id) : known).body().path("error");
    }
}
