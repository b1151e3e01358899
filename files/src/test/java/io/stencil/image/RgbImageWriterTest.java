package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.stencil.error.InvalidRequestException;
import io.stencil.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class RgbImageWriterTest {

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({"1, 1", "17, 3", "64, 48"})
    void whatIsWrittenIsReadBack(int width, int height) throws IOException {
        RgbImage image = Images.random(width, height, 5);
        Path file = folder.resolve("new folder/image.PNG");

        RgbImageWriter.write(image, file);

        assertThat(RgbImageReader.read(file)).isEqualTo(image);
        assertThat(file.resolveSibling(".")).isDirectoryNotContaining("glob:**.tmp");
    }

    @Test
    void textsAreInTheFileForOtherReaders() throws IOException {
        RgbImage image = Images.random(5, 3, 4);
        Path file = folder.resolve("a.png");

        RgbImageWriter.write(image, file, new ImageTexts("caf\u00e9\nSteps: 4", "{\"prompt\": \"gr\u00fcn \u732b\"}"));

        assertThat(RgbImageReader.read(file)).isEqualTo(image);
        assertThat(texts(file, "tEXtEntry", "value")).containsExactly("parameters=caf\u00e9\nSteps: 4");
        assertThat(texts(file, "iTXtEntry", "text")).containsExactly("stencil={\"prompt\": \"gr\u00fcn \u732b\"}");
    }

    private static List<String> texts(Path png, String entry, String value) throws IOException {
        ImageReader reader = ImageIO.getImageReadersByFormatName("png").next();
        try (ImageInputStream input = ImageIO.createImageInputStream(png.toFile())) {
            reader.setInput(input);
            Element root = (Element) reader.getImageMetadata(0).getAsTree("javax_imageio_png_1.0");
            NodeList texts = root.getElementsByTagName(entry);
            return IntStream.range(0, texts.getLength())
                    .mapToObj(i -> (Element) texts.item(i))
                    .map(text -> text.getAttribute("keyword") + "=" + text.getAttribute(value))
                    .toList();
        }
    }

    /// The pixels of lossy formats are near, and the texts come back whatever their characters and length.
    @ParameterizedTest
    @CsvSource({"a.png, 0, 1", "a.jpg, 4, 1", "a.JPEG, 4, 0", "a.webp, 4, 1", "a.webp, 4, 0"})
    void textsComeBackFromEachFormat(String name, int tolerance, int extra) throws IOException {
        RgbImage image = RgbImage.filled(new ImageSize(33, 17), 0x4080C0);
        Path file = folder.resolve(name);
        ImageTexts texts = new ImageTexts(
                "a cat \u732b \ud83d\ude00\nNegative prompt: grey\nSteps: 4",
                "{\"prompt\": \"\u732b\"}" + " ".repeat(extra));

        RgbImageWriter.write(image, file, texts);

        RgbImage read = RgbImageReader.read(file);
        assertThat(read.size()).isEqualTo(image.size());
        for (int channel = 0; channel < 3; channel++) {
            assertThat(read.sample(16, 8, channel)).isCloseTo(image.sample(16, 8, channel), within(tolerance));
        }
        ImageTexts found = ImageTexts.read(file).orElseThrow();
        assertThat(found.parameters()).isEqualTo(texts.parameters());
        assertThat(Json.MAPPER.readTree(found.json())).isEqualTo(Json.MAPPER.readTree(texts.json()));
        assertThat(RgbImageWriter.encode(image, ImageFormat.ofName(file), texts))
                .isEqualTo(Files.readAllBytes(file));
    }

    @Test
    void anImageWithoutTextsHasNone() throws IOException {
        for (String name : List.of("a.png", "a.jpg", "a.webp")) {
            RgbImageWriter.write(Images.random(4, 4, 1), folder.resolve(name));
            assertThat(ImageTexts.read(folder.resolve(name))).isEmpty();
        }
    }

    /// What a format cannot hold is refused, and no file appears.
    @Test
    void whatAFormatCannotHoldIsRefused() {
        ImageTexts large = new ImageTexts("a".repeat(40_000), "{}");
        assertThatThrownBy(() -> RgbImageWriter.write(Images.random(1, 1, 8), folder.resolve("a.jpg"), large))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("80")
                .hasMessageContaining("EXIF")
                .hasMessageEndingWith("write PNG or WebP");
        assertThatThrownBy(() -> ImageFormat.WEBP.requireFits(new ImageSize(16, 16_384), null))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("WebP holds at most 16383 pixels a side, found 16 x 16384");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void anExistingFileIsReplaced() throws IOException {
        Path file = folder.resolve("a.png");
        RgbImageWriter.write(Images.random(40, 40, 6), file);

        RgbImage second = Images.random(2, 2, 7);
        RgbImageWriter.write(second, file);

        assertThat(RgbImageReader.read(file)).isEqualTo(second);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a.bmp", "a.gif", "png", "a.png.bak"})
    void otherFormatsAreRefused(String name) {
        assertThatThrownBy(() -> RgbImageWriter.write(Images.random(1, 1, 8), folder.resolve(name)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining(name)
                .hasMessageContaining(".png");
        assertThat(folder).isEmptyDirectory();
    }
}
