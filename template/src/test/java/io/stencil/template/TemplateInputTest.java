package io.stencil.template;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TemplateInputTest {

    @TempDir
    private Path folder;

    /// Files are named from the working directory; other texts, numbers and lists stay as they are.
    @Test
    void jsonIsReadBackWithTheSameFiles() throws IOException {
        Path file = Files.writeString(folder.resolve("a.png"), "image");
        TemplateInput input = TemplateInputs.parse(
                        "template_inputs",
                        "{\"model_id\": 1, \"image\": \"a.png\", \"all\": [\"a.png\", \"b.png\"], \"scale\": 0.5, \"text\": \"a\\u0000\"}",
                        folder)
                .getFirst();
        assertThat(input.files()).containsExactly(file);
        assertThat(input.json())
                .hasToString(
                        "{\"model_id\":1,\"image\":\"%1$s\",\"all\":[\"%1$s\",\"b.png\"],\"scale\":0.5,\"text\":\"a\\u0000\"}"
                                .formatted(file));
        TemplateInput again = TemplateInputs.parse(input.json().toString()).getFirst();
        assertThat(again.modelId()).isEqualTo(1);
        assertThat(again.files()).containsExactly(file);
    }

    /// An image that is no file is its hash, and a text that happens to name a file of this machine is a text.
    @Test
    void valuesOfRequestsNameNoFiles() throws IOException {
        RgbImage image = RgbImage.filled(new ImageSize(16, 16), 0x123456);
        Path file = Files.writeString(folder.resolve("secret"), "secret");
        TemplateInput input = TemplateInput.of(0, Map.of("image", image, "text", file.toString()));
        assertThat(input.json().get("image").asText()).isEqualTo("pixels:" + image.sha256());
        assertThat(input.json().get("text").asText()).isEqualTo(file.toString());
        assertThat(input.files()).isEmpty();
    }
}
