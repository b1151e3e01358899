package io.stencil.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.images.ImageEditParams;
import com.openai.models.images.ImageGenStreamEvent;
import com.openai.models.images.ImageGenerateParams;
import com.openai.models.images.ImagesResponse;
import com.openai.models.models.Model;
import dev.langchain4j.data.image.Image;
import dev.langchain4j.model.openai.OpenAiImageModel;
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
import io.stencil.testing.TestFiles;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.ai.image.ImageGeneration;
import org.springframework.ai.image.ImagePrompt;
import org.springframework.ai.openai.OpenAiImageOptions;

/// Clients of OpenAI's API work with nothing but the address and the key changed, and get the images of the service.
class RealClientsTest {

    private static final String KEY = "sk-of-a-test";
    private static final String MODEL = "gpt-image-1";
    private static final String PROMPT = "a large red square on the right, teal background";
    private static final RgbImage BLUE = RgbImage.filled(new ImageSize(64, 64), 0x2040C0);
    private static final RgbImage GREEN = RgbImage.filled(new ImageSize(64, 64), 0x20C040);

    private static ImageService service;
    private static StencilServer server;
    private static String address;

    @BeforeAll
    static void start(@TempDir Path folder) throws Exception {
        ModelFiles files = ModelFiles.in(distilled(folder));
        service = ImageService.open(ServiceSettings.builder(files, new LoadOptions(DType.FLOAT32, Device.CPU))
                .template("brightness", new TemplateFolder(TestFiles.root().resolve("examples/brightness")))
                .modelName("tiny-klein")
                .defaultSize(64, 64)
                .build());
        server = StencilServer.start(service, ServerSettings.DEFAULT.withPort(0).withApiKey(KEY), System.err::println);
        address = server.uri() + "/v1";
    }

    /// Tiny Klein as a model of few steps, for these clients cannot say how many.
    private static Path distilled(Path folder) throws Exception {
        for (String part : List.of("transformer", "vae", "text_encoder", "tokenizer")) {
            Files.createSymbolicLink(
                    folder.resolve(part),
                    TestFiles.root().resolve("models/tiny-klein").resolve(part));
        }
        Files.writeString(folder.resolve("model_index.json"), "{\"is_distilled\": true}");
        return folder;
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static OpenAIClient openAi(String key) {
        return OpenAIOkHttpClient.builder()
                .baseUrl(address)
                .apiKey(key)
                .maxRetries(0)
                .build();
    }

    private static List<RgbImage> of(ImagesResponse response) {
        return response.data().orElseThrow().stream()
                .map(image -> decoded(image.b64Json().orElseThrow()))
                .toList();
    }

    private static RgbImage decoded(ImageGeneration generation) {
        return decoded(Objects.requireNonNull(generation.getOutput().getB64Json()));
    }

    private static RgbImage decoded(String base64) {
        return RgbImageReader.read(Base64.getDecoder().decode(base64), Location.ofField("image"));
    }

    private static byte[] png(RgbImage image) throws Exception {
        return RgbImageWriter.encode(image, ImageFormat.PNG, null);
    }

    private static List<RgbImage> direct(ImageRequest request) throws Exception {
        return service.submit(request).result().get().stream()
                .map(GeneratedImage::image)
                .toList();
    }

    /// The images of the latest job, whose request is the expected one with the seeds that the service drew.
    private static List<RgbImage> latest(ImageRequest.Builder expected) throws Exception {
        GenerationJob job = service.jobs().getLast();
        assertThat(job.request())
                .isEqualTo(expected.seeds(job.request().seeds()).build());
        return job.result().get().stream().map(GeneratedImage::image).toList();
    }

    private static ImageRequest.Builder request() {
        return ImageRequest.of(PROMPT).size(64, 64);
    }

    /// PNG whose left half is opaque and stays.
    private static byte[] mask() throws Exception {
        BufferedImage mask = new BufferedImage(64, 64, BufferedImage.TYPE_INT_ARGB);
        for (int y = 0; y < 64; y++) {
            for (int x = 0; x < 32; x++) {
                mask.setRGB(x, y, 0xFF000000);
            }
        }
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        ImageIO.write(mask, "png", png);
        return png.toByteArray();
    }

    private static RgbImage whiteRight() {
        byte[] rgb = new byte[64 * 64 * 3];
        for (int at = 0; at < rgb.length; at++) {
            rgb[at] = (byte) (at / 3 % 64 < 32 ? 0 : 255);
        }
        return RgbImage.of(64, 64, rgb);
    }

    private static ImageRequest.Builder inpainting() {
        return request().inputImage(BLUE, 1).mask(whiteRight()).overlay(true);
    }

    @Test
    void theSdkOfOpenAiGeneratesWithTheFieldBeyondIt() throws Exception {
        ImagesResponse response = openAi(KEY)
                .images()
                .generate(ImageGenerateParams.builder()
                        .model(MODEL)
                        .prompt(PROMPT)
                        .size("64x64")
                        .n(2)
                        .putAdditionalBodyProperty(
                                "stencil",
                                JsonValue.from(Map.of(
                                        "seed",
                                        7,
                                        "templates",
                                        List.of(Map.of("name", "brightness", "inputs", Map.of("scale", 0.9))))))
                        .build());
        assertThat(of(response))
                .isEqualTo(direct(request()
                        .n(2)
                        .seed(7)
                        .template("brightness", Map.of("scale", 0.9))
                        .build()));
        assertThat(response.usage()).isPresent();
        response.validate();
    }

    @Test
    void theSdkOfOpenAiEditsWithTheFieldBeyondIt() throws Exception {
        ImagesResponse response = openAi(KEY)
                .images()
                .edit(ImageEditParams.builder()
                        .model(MODEL)
                        .prompt(PROMPT)
                        .image(new ByteArrayInputStream(png(BLUE)))
                        .putAdditionalBodyProperty(
                                "stencil",
                                JsonValue.from(Map.of(
                                        "seed",
                                        7,
                                        "templates",
                                        List.of(Map.of("name", "brightness", "inputs", Map.of("scale", 0.9))))))
                        .build());
        assertThat(of(response))
                .isEqualTo(direct(request()
                        .seed(7)
                        .editImage(BLUE)
                        .autoResize(false)
                        .template("brightness", Map.of("scale", 0.9))
                        .build()));
    }

    @Test
    void theSdkOfOpenAiStreams() throws Exception {
        ImageGenerateParams parameters = ImageGenerateParams.builder()
                .model(MODEL)
                .prompt(PROMPT)
                .size("64x64")
                .partialImages(2)
                .putAdditionalBodyProperty("stencil", JsonValue.from(Map.of("seed", 7)))
                .build();
        try (StreamResponse<ImageGenStreamEvent> events = openAi(KEY).images().generateStreaming(parameters)) {
            List<ImageGenStreamEvent> all = events.stream().toList();
            assertThat(all.stream().filter(ImageGenStreamEvent::isGenerationPartialImage))
                    .hasSize(2)
                    .allSatisfy(
                            event -> decoded(event.asGenerationPartialImage().b64Json()));
            assertThat(decoded(all.getLast().asGenerationCompleted().b64Json()))
                    .isEqualTo(direct(request().seed(7).build()).getFirst());
        }
    }

    @Test
    void theSdkOfOpenAiEdits(@TempDir Path folder) throws Exception {
        Path file = Files.write(folder.resolve("blue.png"), png(BLUE));
        OpenAIClient client = openAi(KEY);
        ImageEditParams masked = ImageEditParams.builder()
                .model(MODEL)
                .prompt(PROMPT)
                .image(file)
                .mask(new ByteArrayInputStream(mask()))
                .build();
        RgbImage changed = of(client.images().edit(masked)).getFirst();
        assertThat(changed).isEqualTo(latest(inpainting()).getFirst());
        assertThat(changed.pixel(0, 0)).isEqualTo(BLUE.pixel(0, 0));
        ImageEditParams two = ImageEditParams.builder()
                .model(MODEL)
                .prompt(PROMPT)
                .imageOfInputStreams(Stream.of(png(BLUE), png(GREEN))
                        .map(ByteArrayInputStream::new)
                        .toList())
                .putAdditionalBodyProperty("stencil", JsonValue.from("{\"steps\": 1}")) // text in a form
                .build();
        assertThat(of(client.images().edit(two)))
                .isEqualTo(latest(request()
                        .editImage(BLUE)
                        .editImage(GREEN)
                        .autoResize(false)
                        .steps(1)));
    }

    @Test
    void theSdkOfOpenAiReadsFaultsAndModels() {
        ImageGenerateParams wrong = ImageGenerateParams.builder()
                .model(MODEL)
                .prompt(PROMPT)
                .size("63x64")
                .build();
        assertThatThrownBy(() -> openAi(KEY).images().generate(wrong))
                .isInstanceOfSatisfying(BadRequestException.class, fault -> {
                    assertThat(fault.param()).contains("size");
                    assertThat(fault.code()).contains("invalid_value");
                    assertThat(fault.getMessage()).contains("Invalid size '63x64'");
                });
        assertThatThrownBy(() -> openAi("sk-of-another").images().generate(wrong))
                .isInstanceOf(UnauthorizedException.class);
        assertThat(openAi(KEY).models().list().data().stream().map(Model::id))
                .containsExactly("tiny-klein", "brightness");
    }

    @Test
    void theDocumentationNamesTheEndpointsAndMetrics() throws Exception {
        String page = Files.readString(TestFiles.root().resolve("docs/service.md"));
        assertThat(server.routes().stream().map(route -> route.substring(route.indexOf(' ') + 1)))
                .allSatisfy(path -> assertThat(page).contains(path));
        openAi(KEY).models().list(); // so that a request is counted
        HttpResponse<String> metrics;
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest request = HttpRequest.newBuilder(server.uri().resolve("/metrics"))
                    .header("Authorization", "Bearer " + KEY)
                    .build();
            metrics = client.send(request, HttpResponse.BodyHandlers.ofString());
        }
        List<String> named = Pattern.compile("stencil_[a-z_]+")
                .matcher(page)
                .results()
                .map(MatchResult::group)
                .distinct()
                .toList();
        assertThat(named)
                .hasSizeGreaterThan(8)
                .allSatisfy(name -> assertThat(metrics.body()).contains("# TYPE " + name));
    }

    private static Image langChain4j(byte[] png) {
        return Image.builder()
                .base64Data(Base64.getEncoder().encodeToString(png))
                .mimeType("image/png")
                .build();
    }

    @Test
    void langChain4jGeneratesAndEdits() throws Exception {
        OpenAiImageModel model = OpenAiImageModel.builder()
                .baseUrl(address)
                .apiKey(KEY)
                .modelName(MODEL)
                .maxRetries(0)
                .build();
        assertThat(decoded(model.generate(PROMPT).content().base64Data()))
                .isEqualTo(latest(ImageRequest.of(PROMPT)).getFirst());
        assertThat(model.generate(PROMPT, 2).content().stream().map(image -> decoded(image.base64Data())))
                .hasSize(2)
                .isEqualTo(latest(ImageRequest.of(PROMPT)));
        assertThat(decoded(model.edit(langChain4j(png(BLUE)), PROMPT).content().base64Data()))
                .isEqualTo(latest(request().editImage(BLUE)).getFirst());
        RgbImage changed = decoded(model.edit(langChain4j(png(BLUE)), langChain4j(mask()), PROMPT)
                .content()
                .base64Data());
        assertThat(changed).isEqualTo(latest(inpainting()).getFirst());
    }

    @Test
    void springAiGenerates() throws Exception {
        org.springframework.ai.openai.OpenAiImageModel model = org.springframework.ai.openai.OpenAiImageModel.builder()
                .options(OpenAiImageOptions.builder()
                        .baseUrl(address)
                        .apiKey(KEY)
                        .build())
                .build();
        assertThat(decoded(Objects.requireNonNull(
                        model.call(new ImagePrompt(PROMPT)).getResult())))
                .isEqualTo(latest(ImageRequest.of(PROMPT)).getFirst());
        OpenAiImageOptions options =
                OpenAiImageOptions.builder().n(2).width(32).height(48).build();
        List<RgbImage> images = model.call(new ImagePrompt(PROMPT, options)).getResults().stream()
                .map(RealClientsTest::decoded)
                .toList();
        assertThat(images).hasSize(2).isEqualTo(latest(ImageRequest.of(PROMPT).size(32, 48)));
    }
}
