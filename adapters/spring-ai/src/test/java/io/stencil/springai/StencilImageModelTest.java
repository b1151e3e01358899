package io.stencil.springai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.image.ImageFormat;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.service.GenerationJob;
import io.stencil.service.ImageRequest;
import io.stencil.service.ImageService;
import io.stencil.service.ServiceSettings;
import io.stencil.template.load.TemplateFolder;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.JavaExample;
import io.stencil.testing.TestFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.ai.content.Media;
import org.springframework.ai.image.ImageGeneration;
import org.springframework.ai.image.ImageMessage;
import org.springframework.ai.image.ImageOptions;
import org.springframework.ai.image.ImageOptionsBuilder;
import org.springframework.ai.image.ImagePrompt;
import org.springframework.ai.image.ImageResponse;
import org.springframework.ai.image.observation.ImageModelObservationContext;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.util.MimeTypeUtils;

/// The model's images are those of the service; options of prompts go before those of the model.
class StencilImageModelTest {

    private static final String PROMPT = "a large red square on the right, teal background";
    private static final Map<String, Object> BRIGHT = Map.of("scale", 0.9);

    private static ImageService service;

    @BeforeAll
    static void open() {
        ModelFiles files = ModelFiles.in(TestFiles.root().resolve("models/tiny-klein"));
        service = ImageService.open(ServiceSettings.builder(files, new LoadOptions(DType.FLOAT32, Device.CPU))
                .template("brightness", new TemplateFolder(TestFiles.root().resolve("examples/brightness")))
                .build());
    }

    @AfterAll
    static void close() {
        service.close();
    }

    private static StencilImageOptions.Builder small() {
        return StencilImageOptions.builder().size(64, 64).steps(4).seed(7);
    }

    private static StencilImageModel model() {
        return StencilImageModel.builder(service)
                .defaultOptions(small().build())
                .build();
    }

    private static List<RgbImage> expected(ImageRequest.Builder request) throws Exception {
        return service.submit(request.build()).result().get().stream()
                .map(GeneratedImage::image)
                .toList();
    }

    private static ImageRequest.Builder request() {
        return ImageRequest.of(PROMPT).size(64, 64).steps(4).seed(7);
    }

    private static List<RgbImage> decoded(ImageResponse response) {
        List<RgbImage> images = new ArrayList<>();
        for (ImageGeneration generation : response.getResults()) {
            assertThat(generation.getOutput().getUrl()).isNull();
            byte[] png = Base64.getDecoder().decode(generation.getOutput().getB64Json());
            images.add(RgbImageReader.read(png, Location.ofField("image")));
        }
        return images;
    }

    @Test
    void generatesTheImagesOfTheService() throws Exception {
        StencilImageOptions options = StencilImageOptions.builder()
                .n(2)
                .template("brightness", BRIGHT)
                .build();
        ImageResponse response = model().call(new ImagePrompt(PROMPT, options));
        assertThat(decoded(response)).isEqualTo(expected(request().n(2).template("brightness", BRIGHT)));
        assertThat(response.getResults().stream().map(ImageGeneration::getMetadata))
                .containsExactly(new StencilImageModel.Metadata(7), new StencilImageModel.Metadata(8));
        assertThat(response.getMetadata().getCreated()).isPositive();
    }

    @Test
    void takesTheOptionsThatAllModelsHave() throws Exception {
        ImageOptions options = ImageOptionsBuilder.builder()
                .model(service.model().name())
                .n(1)
                .width(48)
                .height(32)
                .responseFormat("b64_json")
                .build();
        ImageResponse response = model().call(new ImagePrompt(PROMPT, options));
        assertThat(decoded(response)).isEqualTo(expected(request().size(48, 32)));
    }

    @Test
    void editsMediaAndInputImages() throws Exception {
        RgbImage original = RgbImage.filled(new ImageSize(64, 64), 0x2040C0);
        Media media = new Media(
                MimeTypeUtils.IMAGE_PNG, new ByteArrayResource(RgbImageWriter.encode(original, ImageFormat.PNG, null)));
        ImageMessage message = new ImageMessage(PROMPT, null, List.of(media), Map.of());
        StencilImageOptions one = StencilImageOptions.builder().steps(1).build();
        ImageResponse edited = model().call(new ImagePrompt(List.of(message), one));
        GenerationJob job = service.jobs().getLast(); // an edit image is slow: it is not generated twice
        assertThat(job.request())
                .isEqualTo(request().steps(1).editImage(original).build());
        assertThat(decoded(edited))
                .isEqualTo(
                        job.result().get().stream().map(GeneratedImage::image).toList());
        StencilImageOptions options =
                StencilImageOptions.builder().inputImage(original, 0.5).build();
        assertThat(decoded(model().call(new ImagePrompt(PROMPT, options))))
                .isEqualTo(expected(request().inputImage(original, 0.5)));
    }

    @Test
    void refusesWhatItCannotDo() {
        assertRefused(ImageOptionsBuilder.builder().responseFormat("url").build(), "'response_format': is 'url'");
        assertRefused(ImageOptionsBuilder.builder().style("vivid").build(), "'style': is 'vivid'");
        assertRefused(StencilImageOptions.builder().model("dall-e-3").build(), "'model': is 'dall-e-3'");
        assertRefused(
                StencilImageOptions.builder().template("brightnes", BRIGHT).build(), "brightnes");
        assertThatThrownBy(
                        () -> model().call(new ImagePrompt(List.of(new ImageMessage("one"), new ImageMessage("two")))))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("'prompt': has 2 messages");
        assertThatThrownBy(() -> model().call(new ImagePrompt(List.of(new ImageMessage("one", 0.5f)))))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("'prompt': has weight 0.5");
        Media broken = new Media(MimeTypeUtils.IMAGE_PNG, new ByteArrayResource(new byte[] {1, 2, 3}));
        assertThatThrownBy(() -> model().call(
                                new ImagePrompt(List.of(new ImageMessage(PROMPT, null, List.of(broken), Map.of())))))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("'media'");
    }

    private static void assertRefused(ImageOptions options, String message) {
        assertThatThrownBy(() -> model().call(new ImagePrompt(PROMPT, options)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining(message);
    }

    @Test
    void observesCallsAsSpringAiDoes() {
        List<ImageModelObservationContext> observed = new ArrayList<>();
        ObservationRegistry registry = ObservationRegistry.create();
        registry.observationConfig().observationHandler(new ObservationHandler<ImageModelObservationContext>() {
            @Override
            public void onStop(ImageModelObservationContext context) {
                observed.add(context);
            }

            @Override
            public boolean supportsContext(Observation.Context context) {
                return context instanceof ImageModelObservationContext;
            }
        });
        StencilImageModel.builder(service)
                .defaultOptions(small().build())
                .observationRegistry(registry)
                .build()
                .call(new ImagePrompt(PROMPT));
        assertThat(observed).hasSize(1);
        assertThat(observed.getFirst().getResponse()).isNotNull();
        assertThat(observed.getFirst().getLowCardinalityKeyValues().stream())
                .anySatisfy(value -> assertThat(value.getValue()).isEqualTo("stencil"))
                .anySatisfy(value ->
                        assertThat(value.getValue()).isEqualTo(service.model().name()));
    }

    @Test
    void theExampleOfTheDocumentationRuns(@TempDir Path folder) throws Exception {
        String example = JavaExample.block("docs/service.md", "spring-ai.png");
        JavaExample.run("Example", JavaExample.placed(example, folder), folder);
        RgbImage expected = expected(
                        ImageRequest.of(PROMPT).size(64, 64).seed(7).template("brightness", BRIGHT))
                .getFirst();
        assertThat(RgbImageReader.read(folder.resolve("spring-ai.png"))).isEqualTo(expected);
    }
}
