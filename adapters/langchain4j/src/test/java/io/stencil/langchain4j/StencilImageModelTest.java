package io.stencil.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.data.image.Image;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.model.output.Response;
import io.stencil.error.Location;
import io.stencil.error.QueueFullException;
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
import io.stencil.service.JobEvent;
import io.stencil.service.ServiceSettings;
import io.stencil.template.load.TemplateFolder;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.JavaExample;
import io.stencil.testing.TestFiles;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The model's images are those of the service, and its faults those of LangChain4j.
class StencilImageModelTest {

    private static final String PROMPT = "a large red square on the right, teal background";
    private static final Map<String, Object> BRIGHT = Map.of("scale", 0.9);

    private static ImageService service;

    @BeforeAll
    static void open() {
        ModelFiles files = ModelFiles.in(TestFiles.root().resolve("models/tiny-klein"));
        service = ImageService.open(ServiceSettings.builder(files, new LoadOptions(DType.FLOAT32, Device.CPU))
                .template("brightness", new TemplateFolder(TestFiles.root().resolve("examples/brightness")))
                .queueSize(1)
                .build());
    }

    @AfterAll
    static void close() {
        service.close();
    }

    private static StencilImageModel.Builder small() {
        return StencilImageModel.builder(service).size(64, 64).steps(4).seed(7);
    }

    private static List<RgbImage> images(ImageRequest.Builder request) throws Exception {
        return service.submit(request.build()).result().get().stream()
                .map(GeneratedImage::image)
                .toList();
    }

    private static RgbImage decoded(Image image) {
        return RgbImageReader.read(Base64.getDecoder().decode(image.base64Data()), Location.ofField("image"));
    }

    private static Image encoded(RgbImage image) throws Exception {
        return Image.builder()
                .base64Data(Base64.getEncoder().encodeToString(RgbImageWriter.encode(image, ImageFormat.PNG, null)))
                .mimeType("image/png")
                .build();
    }

    @Test
    void generatesTheImageOfTheService() throws Exception {
        Response<Image> response =
                small().template("brightness", BRIGHT).build().generate(PROMPT);
        assertThat(response.content().mimeType()).isEqualTo("image/png");
        assertThat(response.metadata()).containsEntry(StencilImageModel.SEEDS, List.of(7L));
        RgbImage expected = images(
                        ImageRequest.of(PROMPT).size(64, 64).steps(4).seed(7).template("brightness", BRIGHT))
                .getFirst();
        assertThat(decoded(response.content())).isEqualTo(expected);
        RgbImage plain =
                images(ImageRequest.of(PROMPT).size(64, 64).steps(4).seed(7)).getFirst();
        assertThat(plain).isNotEqualTo(expected);
    }

    @Test
    void generatesSeveralImagesWithSeedsInARow() throws Exception {
        Response<List<Image>> response = small().build().generate(PROMPT, 2);
        assertThat(response.metadata()).containsEntry(StencilImageModel.SEEDS, List.of(7L, 8L));
        assertThat(response.content().stream().map(StencilImageModelTest::decoded))
                .isEqualTo(images(
                        ImageRequest.of(PROMPT).size(64, 64).steps(4).seed(7).n(2)));
    }

    @Test
    void drawsAnotherSeedForEachCallWithoutOne() {
        StencilImageModel model =
                StencilImageModel.builder(service).size(64, 64).steps(1).build();
        assertThat(model.generate(PROMPT).metadata().get(StencilImageModel.SEEDS))
                .isNotEqualTo(model.generate(PROMPT).metadata().get(StencilImageModel.SEEDS));
    }

    @Test
    void editsInTheSizeOfTheImage() throws Exception {
        RgbImage original = RgbImage.filled(new ImageSize(80, 52), 0x2040C0);
        Response<Image> edited =
                StencilImageModel.builder(service).steps(1).seed(7).build().edit(encoded(original), "a green circle");
        GenerationJob job = service.jobs().getLast(); // an edit image is slow: it is not generated twice
        assertThat(job.request())
                .isEqualTo(ImageRequest.of("a green circle")
                        .size(80, 48)
                        .steps(1)
                        .seed(7)
                        .editImage(original)
                        .build());
        assertThat(decoded(edited.content()))
                .isEqualTo(job.result().get().getFirst().image())
                .satisfies(image -> assertThat(image.size()).isEqualTo(new ImageSize(80, 48)));
    }

    @Test
    void changesOnlyWhatTheMaskLeavesTransparent() throws Exception {
        RgbImage original = RgbImage.filled(new ImageSize(64, 64), 0x2040C0);
        BufferedImage mask = new BufferedImage(64, 64, BufferedImage.TYPE_INT_ARGB);
        for (int y = 0; y < 64; y++) {
            for (int x = 0; x < 32; x++) {
                mask.setRGB(x, y, 0xFF000000); // opaque: stays
            }
        }
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        ImageIO.write(mask, "png", png);
        Image transparent = Image.builder()
                .url("data:image/png;base64," + Base64.getEncoder().encodeToString(png.toByteArray()))
                .build();
        RgbImage edited = decoded(
                small().build().edit(encoded(original), transparent, PROMPT).content());
        int changed = 0;
        for (int y = 0; y < 64; y++) {
            for (int x = 0; x < 64; x++) {
                if (x < 32) {
                    assertThat(edited.pixel(x, y)).as("%s, %s", x, y).isEqualTo(0x2040C0);
                } else if (edited.pixel(x, y) != 0x2040C0) {
                    changed++;
                }
            }
        }
        assertThat(changed).isGreaterThan(1000);
    }

    @Test
    void reportsFaultsAsLangChain4jDoes() {
        assertThatThrownBy(() -> small().template("brightnes", BRIGHT).build().generate(PROMPT))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("brightnes")
                .hasCauseInstanceOf(io.stencil.error.InvalidRequestException.class);
        Image remote = Image.builder().url("https://example.com/a.png").build();
        assertThatThrownBy(() -> small().build().edit(remote, PROMPT))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("'image': has no base64 data");
        Image broken = Image.builder().base64Data("aGVsbG8=").build();
        assertThatThrownBy(() -> small().build().edit(broken, PROMPT))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("'image'");
        assertThatThrownBy(() -> small().seed(-1).build())
                .isInstanceOf(io.stencil.error.InvalidRequestException.class)
                .hasMessageContaining("seed");
    }

    /// A job that lasts until it is cancelled.
    private static GenerationJob longJob() {
        return service.submit(
                ImageRequest.of(PROMPT).size(256, 256).steps(200).n(8).build());
    }

    @Test
    void reportsAFullQueueAnInterruptAndTheEndOfItsTime() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        GenerationJob running = longJob();
        running.subscribe(event -> {
            if (event instanceof JobEvent.Started) {
                started.countDown();
            }
        });
        started.await();
        assertThatThrownBy(() -> small().timeout(Duration.ofMillis(50)).build().generate(PROMPT))
                .isInstanceOf(TimeoutException.class);
        assertThat(service.status().queued()).isZero();
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> small().build().generate(PROMPT)).isInstanceOf(CancellationException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(service.status().queued()).isZero();
        GenerationJob waiting = longJob();
        assertThatThrownBy(() -> small().build().generate(PROMPT))
                .isInstanceOf(RateLimitException.class)
                .hasCauseInstanceOf(QueueFullException.class);
        waiting.cancel();
        running.cancel();
    }

    @Test
    void theExampleOfTheDocumentationRuns(@TempDir Path folder) throws Exception {
        String example = JavaExample.block("docs/service.md", "StencilImageModel.builder(service)\n");
        JavaExample.run("Example", JavaExample.placed(example, folder), folder);
        RgbImage expected = images(ImageRequest.of(PROMPT).size(64, 64).seed(7).template("brightness", BRIGHT))
                .getFirst();
        assertThat(RgbImageReader.read(folder.resolve("langchain4j.png"))).isEqualTo(expected);
    }
}
