package io.stencil.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.QueueFullException;
import io.stencil.files.Fingerprint;
import io.stencil.image.ImageFormat;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.pipeline.GenerationParameters;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.ProgressListener;
import io.stencil.template.TemplateInputs;
import io.stencil.template.load.TemplateSource;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.tensor.Device;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Requests of many callers on one service.
class ImageServiceTest {

    private static final int SUBMISSIONS = 50;

    @TempDir
    private Path folder;

    /// A request and the call of a pipeline that gives the same image.
    private record Pair(ImageRequest request, GenerationRequest call, String inputs, String negativeInputs) {

        static Pair of(
                long seed, double guidance, String prompt, List<ImageRequest.TemplateUse> uses, List<Lora> loras) {
            ImageRequest.Builder request =
                    ImageRequest.of(prompt).size(32, 32).steps(2).seed(seed).guidance(guidance);
            GenerationRequest.Builder call = GenerationRequest.of(prompt)
                    .size(32, 32)
                    .steps(2)
                    .seed(seed)
                    .cfgScale(guidance);
            List<String> inputs = new ArrayList<>();
            List<String> negativeInputs = new ArrayList<>();
            for (ImageRequest.TemplateUse use : uses) {
                request.template(use);
                inputs.add(json(use.name(), use.inputs()));
                if (use.negativeInputs() != null) {
                    negativeInputs.add(json(use.name(), use.negativeInputs()));
                }
            }
            for (Lora lora : loras) {
                request.lora(lora.name(), lora.strength());
                call.lora(lora.file(), lora.strength());
            }
            return new Pair(request.build(), call.build(), inputs.toString(), negativeInputs.toString());
        }

        private static String json(String template, Map<String, Object> inputs) {
            return "{\"model_id\": %s, \"scale\": %s}".formatted(template.equals("a") ? 0 : 1, inputs.get("scale"));
        }

        List<List<Float>> sequential(TemplatePipeline pipeline) {
            GeneratedImage image = pipeline.generate(
                    call, TemplateInputs.parse(inputs), TemplateInputs.parse(negativeInputs), ProgressListener.NONE);
            return TinyService.latents(List.of(image));
        }
    }

    private record Lora(String name, Path file, double strength) {}

    private static ImageRequest.TemplateUse use(String name, double scale) {
        return new ImageRequest.TemplateUse(name, Map.of("scale", scale));
    }

    private static List<Pair> pairs(ServiceSettings settings) {
        Lora first = new Lora("first", Objects.requireNonNull(settings.loras().get("first")), 0.5);
        Lora second = new Lora("second", Objects.requireNonNull(settings.loras().get("second")), -0.3);
        ImageRequest.TemplateUse both = new ImageRequest.TemplateUse("a", Map.of("scale", 0.8), Map.of("scale", 0.1));
        return List.of(
                Pair.of(1, 1, "a cat", List.of(), List.of()),
                Pair.of(2, 1, "a cat", List.of(), List.of()),
                Pair.of(1, 2, "a dog", List.of(), List.of()),
                Pair.of(1, 1, "a cat", List.of(), List.of(first)),
                Pair.of(1, 1, "a cat", List.of(), List.of(first, second)),
                Pair.of(1, 1, "a cat", List.of(use("a", 0.8)), List.of()),
                Pair.of(1, 1, "a cat", List.of(use("b", 0.8)), List.of()),
                Pair.of(3, 2, "a cat", List.of(both), List.of(second)),
                Pair.of(3, 1, "a dog", List.of(use("b", 0.1), use("a", 0.4)), List.of(first)),
                Pair.of(4, 2, "a bird", List.of(use("a", 0.5), use("a", 0.2)), List.of()));
    }

    private static List<List<List<Float>>> sequential(ServiceSettings settings, List<Pair> pairs) {
        List<TemplateSource> templates = List.copyOf(settings.templates().values());
        try (TemplatePipeline pipeline = new TemplatePipeline(
                Flux2Pipeline.load(settings.files(), settings.load().getFirst()),
                templates,
                TemplatePipeline.Loading.EAGER,
                _ -> {})) {
            return pairs.stream().map(pair -> pair.sequential(pipeline)).toList();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void fiftyConcurrentSubmissionsGiveWhatEachGivesByItself(int workers) throws Exception {
        ServiceSettings.Builder builder = TinyService.settings(folder).queueSize(SUBMISSIONS);
        for (int i = 1; i < workers; i++) {
            builder.worker(Device.CPU);
        }
        ServiceSettings settings = builder.build();
        List<Pair> pairs = pairs(settings);
        List<List<List<Float>>> expected = sequential(settings, pairs);
        assertThat(expected).doesNotHaveDuplicates();
        try (ImageService service = ImageService.open(settings);
                ExecutorService callers = Executors.newFixedThreadPool(10)) {
            List<Future<List<GeneratedImage>>> found = new ArrayList<>();
            for (int i = 0; i < SUBMISSIONS; i++) {
                ImageRequest request = pairs.get(i % pairs.size()).request();
                found.add(callers.submit(() -> service.submit(request).result().get()));
            }
            for (int i = 0; i < SUBMISSIONS; i++) {
                assertThat(TinyService.latents(found.get(i).get()))
                        .as("submission %s", i)
                        .isEqualTo(expected.get(i % pairs.size()));
            }
            assertThat(service.status().done()).isEqualTo(SUBMISSIONS);
        }
    }

    @Test
    void jobsStartInTheOrderOfTheirSubmission() throws Exception {
        List<String> started = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch open = new CountDownLatch(1);
        try (ImageService service =
                ImageService.open(TinyService.settings(folder).queueSize(20).build())) {
            GenerationJob first = service.submit(TinyService.waiting("order", open));
            List<GenerationJob> jobs = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                String name = "order " + i;
                Hooks.set(name, () -> started.add(name));
                jobs.add(service.submit(TinyService.hooked(name)));
            }
            jobs.get(5).cancel();
            open.countDown();
            for (GenerationJob job : jobs) {
                if (job != jobs.get(5)) {
                    job.result().get();
                }
            }
            assertThat(started)
                    .containsExactly(
                            "order 0",
                            "order 1",
                            "order 2",
                            "order 3",
                            "order 4",
                            "order 6",
                            "order 7",
                            "order 8",
                            "order 9",
                            "order 10",
                            "order 11");
            assertThat(first.state()).isEqualTo(GenerationJob.State.DONE);
            assertThat(service.jobs()).hasSize(13).startsWith(first);
        }
    }

    @Test
    void aFullQueueRefuses() throws Exception {
        CountDownLatch open = new CountDownLatch(1);
        try (ImageService service =
                ImageService.open(TinyService.settings(folder).queueSize(2).build())) {
            GenerationJob running = service.submit(TinyService.waiting("full", open));
            Await.state(running, GenerationJob.State.RUNNING);
            GenerationJob waiting = service.submit(TinyService.request().build());
            service.submit(TinyService.request().build());
            assertThat(waiting.place()).isEqualTo(1);
            assertThatThrownBy(() -> service.submit(TinyService.request().build()))
                    .isInstanceOf(QueueFullException.class)
                    .hasMessageStartingWith("the queue is full: 2 jobs wait (queue_size); try again in ")
                    .extracting(e -> ((QueueFullException) e).retryAfter())
                    .isEqualTo(Duration.ofSeconds(1));
            assertThat(service.jobs()).hasSize(3);
            assertThat(service.status().refused()).isEqualTo(1);
            waiting.cancel();
            GenerationJob next = service.submit(TinyService.request().build());
            open.countDown();
            assertThat(next.result().get()).hasSize(1);
            assertThat(service.status())
                    .extracting(ServiceStatus::queued, ServiceStatus::done, ServiceStatus::cancelled)
                    .containsExactly(0, 3L, 1L);
        }
    }

    @Test
    void imagesOfOneRequestAreThoseOfTheirSeeds() throws Exception {
        try (ImageService service =
                ImageService.open(TinyService.settings(folder).build())) {
            GenerationJob four =
                    service.submit(TinyService.request().n(4).seed(7).build());
            List<List<Float>> images = TinyService.latents(four.result().get());
            assertThat(four.request().seeds()).containsExactly(7L, 8L, 9L, 10L);
            assertThat(images).doesNotHaveDuplicates();
            for (int i = 0; i < 4; i++) {
                GenerationJob single =
                        service.submit(TinyService.request().seed(7 + i).build());
                List<Float> expected =
                        TinyService.latents(single.result().get()).getFirst();
                for (int j = 0; j < expected.size(); j++) {
                    assertThat(images.get(i).get(j)).as("image %s", i).isCloseTo(expected.get(j), within(1e-5f));
                }
            }
        }
    }

    @Test
    void seedsThatTheServiceDrewGiveTheSameImagesAgain() throws Exception {
        try (ImageService service =
                ImageService.open(TinyService.settings(folder).build())) {
            GenerationJob drawn = service.submit(
                    ImageRequest.of("a cat").n(2).steps(1).guidance(1).build());
            assertThat(drawn.request().seeds()).hasSize(2).doesNotHaveDuplicates();
            List<GeneratedImage> images = drawn.result().get();
            assertThat(images.getFirst().image().size())
                    .isEqualTo(service.model().size());
            List<GeneratedImage> again =
                    service.submit(drawn.request()).result().get();
            assertThat(TinyService.latents(again)).isEqualTo(TinyService.latents(images));
        }
    }

    /// The files of the service's machine are nobody's business.
    @Test
    void warningsNameLorasAsRequestsDo() throws Exception {
        Path file = TinyService.lora(
                folder.resolve("partial.safetensors"), 3, TinyService.LAYER, "transformer_blocks.9.attn.to_q");
        try (ImageService service = ImageService.open(
                TinyService.settings(folder).lora("partial", file).build())) {
            GenerationJob job =
                    service.submit(TinyService.request().lora("partial", 0.5).build());
            job.result().get();

            assertThat(job.warnings())
                    .singleElement()
                    .satisfies(warning -> assertThat(warning)
                            .startsWith("LoRA 'partial': ")
                            .contains("1 left out: transformer_blocks.9.attn.to_q")
                            .doesNotContain(folder.toString()));
        }
    }

    @Test
    void imagesCarryTheirParameters() throws Exception {
        RgbImage photo = RgbImage.filled(new ImageSize(32, 32), 0x336699);
        try (ImageService service =
                ImageService.open(TinyService.settings(folder).build())) {
            GenerationJob job = service.submit(TinyService.request()
                    .seeds(List.of(7L, 9L))
                    .editImage(photo)
                    .template("b", Map.of("scale", 0.25))
                    .lora("first", 0.5)
                    .build());
            assertThat(job.parameters()).isEmpty();
            job.result().get();
            assertThat(job.parameters()).extracting(GenerationParameters::seed).containsExactly(7L, 9L);
            GenerationParameters parameters = job.parameters().getFirst();
            assertThat(parameters.numInferenceSteps()).isEqualTo(2);
            assertThat(parameters.model().name()).isEqualTo("tiny");
            assertThat(parameters.templates())
                    .containsExactly(new GenerationParameters.Template(
                            "b", Fingerprint.of(TestFiles.golden("template_value_b"))));
            assertThat(parameters.templateInputs()).hasToString("[{\"model_id\":0,\"scale\":0.25}]");
            assertThat(parameters.loras())
                    .containsExactly(new GenerationParameters.Lora(
                            "first", Fingerprint.of(folder.resolve("first.safetensors")), 0.5));
            assertThat(Objects.requireNonNull(parameters.images()).editImages())
                    .containsExactly(GenerationParameters.Image.of(photo, null));
            assertThat(GenerationParameters.parse(
                            Location.ofField("stencil"), parameters.texts().json()))
                    .isEqualTo(parameters);
            assertThat(parameters.texts().json()) // which callers far away get
                    .doesNotContain(ShortPrompts.model().toString())
                    .doesNotContain(TestFiles.root().toString())
                    .doesNotContain(folder.toString());
        }
    }

    @Test
    void aLoraThatIsReplacedIsReadAnewAndHasItsNewHash() throws Exception {
        try (ImageService service =
                ImageService.open(TinyService.settings(folder).build())) {
            ImageRequest request = TinyService.request().lora("first", 1).build();
            GenerationJob before = service.submit(request);
            List<List<Float>> latents = TinyService.latents(before.result().get());
            Path file = folder.resolve("first.safetensors");
            String old = Fingerprint.of(file);
            Files.move(
                    TinyService.lora(folder.resolve("other.safetensors"), 9, TinyService.LAYER),
                    file,
                    StandardCopyOption.REPLACE_EXISTING);
            String hash = Fingerprint.of(file);
            GenerationJob after = service.submit(request);

            assertThat(TinyService.latents(after.result().get())).isNotEqualTo(latents);
            assertThat(before.parameters().getFirst().loras())
                    .containsExactly(new GenerationParameters.Lora("first", old, 1));
            assertThat(after.parameters().getFirst().loras())
                    .containsExactly(new GenerationParameters.Lora("first", hash, 1));
            assertThat(service.loras().getFirst().hash()).isEqualTo(hash).isNotEqualTo(old);

            Files.delete(file);
            assertThat(service.loras().getFirst().hash()).isEqualTo(hash);
            assertThatThrownBy(() -> service.submit(request).result().get())
                    .cause()
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessageContaining("first.safetensors");
            assertThat(service.submit(TinyService.request().build()).result().get())
                    .hasSize(1);
        }
    }

    @Test
    void imagesAmongTheInputsOfATemplateAreValuesAndNoFiles() throws Exception {
        RgbImage photo = RgbImage.filled(new ImageSize(16, 16), 0x336699);
        try (ImageService service =
                ImageService.open(TinyService.settings(folder).build())) {
            for (Object image : List.of(photo, RgbImageWriter.encode(photo, ImageFormat.PNG, null))) {
                GenerationJob job = service.submit(TinyService.request()
                        .template("hook", Map.of("name", "none", "image", image))
                        .build());
                job.result().get();
                assertThat(job.parameters()
                                .getFirst()
                                .templateInputs()
                                .getFirst()
                                .get("image")
                                .textValue())
                        .isEqualTo("pixels:" + photo.sha256());
            }
            Path file = TestFiles.golden("input.png");
            assertThatThrownBy(() -> service.submit(TinyService.request()
                            .template("hook", Map.of("name", "none", "image", file.toString()))
                            .build()))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'templates[0].inputs.image': must be an image, no path, found \"%s\"", file);
            assertThatThrownBy(() -> TinyService.request()
                            .template("hook", Map.of("name", "none", "image", new byte[] {1, 2, 3})))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageStartingWith("'templates.hook.inputs.image': ");
        }
    }

    @Test
    void finishedJobsAreKeptWithinBounds() throws Exception {
        ServiceSettings settings = TinyService.settings(folder).keptJobs(2).build();
        try (ImageService service = ImageService.open(settings)) {
            List<GenerationJob> jobs = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                jobs.add(service.submit(TinyService.request().seed(i).build()));
                jobs.get(i).result().get();
            }
            assertThat(service.jobs()).containsExactly(jobs.get(2), jobs.get(3));
            assertThat(service.job(jobs.get(0).id())).isEmpty();
            assertThat(service.job(jobs.get(3).id())).contains(jobs.get(3));
            assertThat(jobs.get(0).result().get()).hasSize(1);
        }
        ServiceSettings brief = TinyService.settings(Files.createDirectory(folder.resolve("brief")))
                .keptTime(Duration.ofMillis(1))
                .build();
        try (ImageService service = ImageService.open(brief)) {
            GenerationJob job = service.submit(TinyService.request().build());
            job.result().get();
            Thread.sleep(5);
            assertThat(service.job(job.id())).isEmpty();
        }
        // 32 x 32 pixels of 3 bytes and 2 x 2 latents of 128 floats are 5120 bytes
        ServiceSettings small = TinyService.settings(Files.createDirectory(folder.resolve("again")))
                .keptBytes(2 * 5120)
                .build();
        try (ImageService service = ImageService.open(small)) {
            GenerationJob first = service.submit(TinyService.request().n(2).build());
            first.result().get();
            assertThat(service.jobs()).containsExactly(first);
            GenerationJob second = service.submit(TinyService.request().build());
            second.result().get();
            assertThat(service.jobs()).containsExactly(second);
        }
    }

    @Test
    void templatesLorasAndModelAreDescribed() throws IOException {
        try (ImageService service =
                ImageService.open(TinyService.settings(folder).build())) {
            assertThat(service.templates()).extracting(TemplateInfo::name).containsExactly("a", "b", "hook");
            assertThat(service.templates().getLast().inputSchema())
                    .hasToString("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\","
                            + "\"properties\":{\"name\":{\"type\":\"string\"},\"image\":{\"type\":\"string\","
                            + "\"contentEncoding\":\"base64\",\"x-stencil-type\":\"image\"}},\"required\":[\"name\"],"
                            + "\"additionalProperties\":false}");
            assertThat(service.loras()).extracting(LoraInfo::name).containsExactly("first", "second");
            assertThat(service.loras().getFirst().hash()).matches("sha256:[0-9a-f]{64}");
            assertThat(service.loras().getFirst().match().matched()).isEqualTo(1);
            assertThat(service.model().name()).isEqualTo("tiny");
            assertThat(service.model().devices()).containsExactly("cpu");
            assertThat(service.status().open()).isTrue();
        }
    }
}
