package io.stencil.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.Location;
import io.stencil.files.Fingerprint;
import io.stencil.image.ImageTexts;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.TorchGenerator;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// LoRAs over HTTP.
class LorasTest {

    private static final long WIDTH = 128;
    private static final String LAYER = "transformer_blocks.0.attn.to_q";

    @TempDir
    private Path folder;

    private Path lora() throws Exception {
        Path file = folder.resolve("ink.safetensors");
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(3)) {
            TensorFiles.write(
                    file,
                    Map.of(
                            LAYER + ".lora_A.weight",
                            generator.randn(DType.FLOAT32, 4, WIDTH),
                            LAYER + ".lora_B.weight",
                            generator.randn(DType.FLOAT32, WIDTH, 4)),
                    Map.of());
        }
        return file;
    }

    private static byte[] image(TestServer server, String loras) throws Exception {
        JsonNode answer = TestServer.json(200, server.post("/v1/images/generations", """
                {"prompt": "a", "size": "32x32", "stencil": {"steps": 2, "guidance": 1, "seed": 7%s}}""".formatted(loras)));
        return Base64.getDecoder()
                .decode(answer.path("data").path(0).path("b64_json").textValue());
    }

    @Test
    void aRequestChoosesLorasAndTheirStrength() throws Exception {
        Path file = lora();
        try (TestServer server = TestServer.start(builder -> builder.lora("ink", file), settings -> settings)) {
            assertThat(TestServer.json(200, server.get("/api/loras")).path("loras"))
                    .hasToString("[{\"name\":\"ink\",\"hash\":\"%s\"}]".formatted(Fingerprint.of(file)));
            byte[] plain = image(server, "");
            byte[] full = image(server, ", \"loras\": [{\"name\": \"ink\"}]");
            byte[] half = image(server, ", \"loras\": [{\"name\": \"ink\", \"strength\": 0.5}]");

            assertThat(pixels(full)).isNotEqualTo(pixels(plain)).isNotEqualTo(pixels(half));
            assertThat(pixels(image(server, ""))).isEqualTo(pixels(plain));
            assertThat(pixels(image(server, ", \"loras\": [{\"name\": \"ink\", \"strength\": 1}]")))
                    .isEqualTo(pixels(full));
            Path written = Files.write(folder.resolve("half.png"), half);
            assertThat(ImageTexts.read(written).orElseThrow().json())
                    .contains("\"ink\"", Fingerprint.of(file), "0.5")
                    .doesNotContain(folder.toString());
            JsonNode job = TestServer.json(202, server.post("/api/jobs", """
                    {"prompt": "a", "size": "32x32", "steps": 2, "guidance": 1, "seed": 7, "loras": [{"name": "ink"}]}"""));
            assertThat(server.service
                            .job(job.path("id").textValue())
                            .orElseThrow()
                            .result()
                            .get())
                    .hasSize(1);
            byte[] asynchronous =
                    server.get(job.path("url").textValue() + "/images/0").body();
            assertThat(pixels(asynchronous)).isEqualTo(pixels(full));
        }
    }

    private static RgbImage pixels(byte[] file) {
        return RgbImageReader.read(file, Location.ofField("image"));
    }
}
