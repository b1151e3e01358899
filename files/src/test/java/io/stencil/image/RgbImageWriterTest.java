package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
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

        RgbImageWriter.write(image, file, Map.of("parameters", "{\"prompt\": \"eine Katze, gr\u00fcn \u732b\"}"));

        assertThat(RgbImageReader.read(file)).isEqualTo(image);
        ImageReader reader = ImageIO.getImageReadersByFormatName("png").next();
        try (ImageInputStream input = ImageIO.createImageInputStream(file.toFile())) {
            reader.setInput(input);
            Element root = (Element) reader.getImageMetadata(0).getAsTree("javax_imageio_png_1.0");
            NodeList texts = root.getElementsByTagName("iTXtEntry");
            assertThat(texts.getLength()).isOne();
            Element text = (Element) texts.item(0);
            assertThat(text.getAttribute("keyword")).isEqualTo("parameters");
            assertThat(text.getAttribute("compressionFlag")).isEqualToIgnoringCase("FALSE");
            assertThat(text.getAttribute("text")).isEqualTo("{\"prompt\": \"eine Katze, gr\u00fcn \u732b\"}");
        }
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
    @ValueSource(strings = {"a.jpg", "a.webp", "png", "a.png.bak"})
    void otherFormatsAreRefused(String name) {
        assertThatThrownBy(() -> RgbImageWriter.write(Images.random(1, 1, 8), folder.resolve(name)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining(name)
                .hasMessageContaining(".png");
        assertThat(folder).isEmptyDirectory();
    }
}
