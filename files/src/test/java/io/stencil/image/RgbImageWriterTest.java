package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

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
