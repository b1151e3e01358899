package io.stencil.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.Location;
import io.stencil.image.ImageFormat;
import io.stencil.image.ImageSize;
import io.stencil.image.ImageTexts;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.image.RgbImageWriter;
import io.stencil.json.Json;
import io.stencil.testing.TestFiles;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OpenAiImagesTest {

    private static final String GENERATIONS = "/v1/images/generations";
    private static final String EDITS = "/v1/images/edits";

    private final TestServer server = TestServer.shared();

    private static RgbImage image(JsonNode entry) {
        return RgbImageReader.read(
                Base64.getDecoder().decode(entry.path("b64_json").textValue()), Location.ofField("b64_json"));
    }

    private static byte[] png(int colour) throws IOException {
        return RgbImageWriter.encode(RgbImage.filled(new ImageSize(48, 32), colour), ImageFormat.PNG, null);
    }

    /// An image that is transparent in its left half.
    private static byte[] mask(int width, int height) throws IOException {
        BufferedImage mask = new BufferedImage(width, height, BufferedImage.TYPE_INT_ARGB);
        for (int y = 0; y < height; y++) {
            for (int x = width / 2; x < width; x++) {
                mask.setRGB(x, y, 0xFF000000);
            }
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ImageIO.write(mask, "png", bytes);
        return bytes.toByteArray();
    }

    @Test
    void generatesWithAPromptAlone() throws Exception {
        JsonNode answer = TestServer.json(200, server.post(GENERATIONS, "{\"prompt\": \"a red circle\"}"));

        assertThat(answer.path("data")).hasSize(1);
        assertThat(image(answer.path("data").path(0)).size()).isEqualTo(new ImageSize(32, 32));
        assertThat(answer.path("size").textValue()).isEqualTo("32x32");
        assertThat(answer.path("created").longValue()).isPositive();
        assertThat(answer.path("stencil").path("seeds")).hasSize(1);
    }

    @Test
    void theSeedDecidesTheImagesAndAllFieldsAreTaken() throws Exception {
        String request = """
                {"prompt": "a red circle", "model": "gpt-image-1", "n": 2, "size": "48x32", "quality": "high",
                 "background": "auto", "moderation": "low", "style": null, "user": "u", "output_format": "jpeg",
                 "output_compression": 80, "response_format": "b64_json",
                 "stencil": {"seed": 5, "steps": 1, "guidance": 2.5, "negative_prompt": "blue"}}""";
        JsonNode first = TestServer.json(200, server.post(GENERATIONS, request));
        JsonNode second = TestServer.json(200, server.post(GENERATIONS, request));

        assertThat(first.path("data")).hasSize(2).isEqualTo(second.path("data"));
        assertThat(first.path("data").path(0)).isNotEqualTo(first.path("data").path(1));
        assertThat(first.path("stencil").path("seeds").toString()).isEqualTo("[5,6]");
        assertThat(first.path("output_format").textValue()).isEqualTo("jpeg");
        assertThat(first.path("usage").path("output_tokens").intValue()).isEqualTo(2 * 3 * 2);
        assertThat(Base64.getDecoder()
                        .decode(first.path("data").path(1).path("b64_json").textValue()))
                .startsWith(0xFF, 0xD8, 0xFF);
    }

    /// Metadata of JPEG hold 64 KB; a prompt that takes more must not cost the image.
    @Test
    void aLongPromptLeavesAnImageInJpeg() throws Exception {
        JsonNode answer = TestServer.json(200, server.post(GENERATIONS, """
                {"prompt": "%s", "size": "32x32", "output_format": "jpeg", "stencil": {"seed": 5, "steps": 1}}""".formatted("red circle ".repeat(2500))));

        assertThat(image(answer.path("data").path(0)).size()).isEqualTo(new ImageSize(32, 32));
    }

    @Test
    void imagesCarryTheirParametersAndNoFoldersOfTheServer(@TempDir Path folder) throws Exception {
        JsonNode answer = TestServer.json(
                200, server.post(GENERATIONS, "{\"prompt\": \"a green ring\", " + TestServer.SMALL + "}"));
        Path file = Files.write(
                folder.resolve("image.png"),
                Base64.getDecoder()
                        .decode(answer.path("data").path(0).path("b64_json").textValue()));

        ImageTexts texts = ImageTexts.read(file).orElseThrow();
        assertThat(texts.parameters()).contains("a green ring", "Seed: 7");
        assertThat(texts.json())
                .contains("\"seed\":7", "\"path\":\"transformer\"")
                .doesNotContain(TestFiles.root().toString(), "tiny-klein/");
    }

    @Test
    void aTemplateSteersTheImage() throws Exception {
        double dark = brightness("\"templates\": [{\"name\": \"brightness\", \"inputs\": {\"scale\": 0.0}}]");
        double bright = brightness("\"templates\": [{\"name\": \"brightness\", \"inputs\": {\"scale\": 1.0}}]");
        double plain = brightness("\"templates\": []");

        assertThat(dark).isLessThan(plain);
        assertThat(bright).isGreaterThan(plain);
    }

    private double brightness(String templates) throws Exception {
        JsonNode answer = TestServer.json(200, server.post(GENERATIONS, """
                {"prompt": "a red circle, gray background", "size": "64x64",
                 "stencil": {"seed": 1, "steps": 8, "guidance": 1, %s}}""".formatted(templates)));
        long sum = 0;
        byte[] rgb = image(answer.path("data").path(0)).rgb();
        for (byte sample : rgb) {
            sum += sample & 0xFF;
        }
        return sum / (double) rgb.length;
    }

    @Test
    void aTemplateWithoutInputsIsAModel() throws Exception {
        TestServer.json(
                200, server.post(GENERATIONS, "{\"prompt\": \"a\", \"model\": \"frame\", " + TestServer.SMALL + "}"));
        JsonNode error = TestServer.json(
                        400,
                        server.post(
                                GENERATIONS,
                                "{\"prompt\": \"a\", \"model\": \"brightness\", " + TestServer.SMALL + "}"))
                .path("error");
        assertThat(error.path("message").textValue()).contains("Missing required parameter", "inputs.scale");
    }

    @Test
    void anAddressOfTheImageMayBeAnswered() throws Exception {
        JsonNode answer = TestServer.json(
                200,
                server.post(
                        GENERATIONS, "{\"prompt\": \"a\", \"response_format\": \"url\", " + TestServer.SMALL + "}"));
        String url = answer.path("data").path(0).path("url").textValue();

        assertThat(url).startsWith(server.server.uri() + "/api/jobs/");
        HttpResponse<byte[]> image =
                server.get(url.substring(server.server.uri().toString().length()));
        assertThat(image.headers().firstValue("Content-Type")).hasValue("image/png");
        assertThat(RgbImageReader.read(image.body(), Location.ofField("body")).size())
                .isEqualTo(new ImageSize(32, 32));
    }

    @Test
    void aClientThatAcceptsAnImageGetsOne() throws Exception {
        HttpResponse<byte[]> image = server.send(server.request(GENERATIONS)
                .header("Content-Type", "application/json; charset=utf-8")
                .header("Accept", "image/png")
                .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\": \"a\", " + TestServer.SMALL + "}"))
                .build());

        assertThat(image.headers().firstValue("Content-Type")).hasValue("image/png");
        assertThat(RgbImageReader.read(image.body(), Location.ofField("body")).size())
                .isEqualTo(new ImageSize(32, 32));
    }

    /// Events of a stream, `event` and `data` alternating.
    private List<String> stream(HttpRequest.Builder request) throws Exception {
        List<String> events = new ArrayList<>();
        HttpResponse<java.util.stream.Stream<String>> response = server.lines(request.build());
        assertThat(response.headers().firstValue("Content-Type")).hasValue("text/event-stream");
        response.body().filter(line -> !line.isEmpty() && !line.startsWith(":")).forEach(events::add);
        return events;
    }

    @Test
    void aStreamHasPreviewsAndTheImage() throws Exception {
        String body = """
                {"prompt": "a red circle", "stream": true, "partial_images": 2, "size": "32x32",
                 "stencil": {"seed": 7, "steps": 8, "guidance": 1}}""";
        List<String> events = stream(server.request(GENERATIONS)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body)));
        JsonNode whole = TestServer.json(200, server.post(GENERATIONS, body.replace("\"stream\": true,", "")));

        assertThat(events)
                .hasSizeBetween(4, 6)
                .element(events.size() - 2)
                .isEqualTo("event: image_generation.completed");
        assertThat(events.getFirst()).isEqualTo("event: image_generation.partial_image");
        Description description = Description.read();
        for (int i = 1; i < events.size(); i += 2) {
            byte[] data = events.get(i).substring("data: ".length()).getBytes(java.nio.charset.StandardCharsets.UTF_8);
            description.check(i < events.size() - 1 ? "PartialImage" : "CompletedImage", data);
            JsonNode event = Json.MAPPER.readTree(data);
            assertThat(events.get(i - 1))
                    .isEqualTo("event: " + event.path("type").textValue());
            assertThat(image(event).width()).isPositive();
        }
        JsonNode last = Json.MAPPER.readTree(events.getLast().substring("data: ".length()));
        assertThat(last.path("b64_json")).isEqualTo(whole.path("data").path(0).path("b64_json"));
    }

    private HttpRequest.Builder form(Form form) {
        return server.request(EDITS).header("Content-Type", form.type()).POST(form.publisher());
    }

    @Test
    void anEditRefersToSeveralImages() throws Exception {
        Form form = new Form()
                .text("prompt", "a red circle")
                .text("n", "2")
                .text("stencil", "{\"seed\": 3, \"steps\": 1, \"guidance\": 1}")
                .file("image[]", png(0xFF0000))
                .file("image[]", png(0x00FF00));
        JsonNode answer = TestServer.json(200, server.send(form(form).build()));

        assertThat(answer.path("data")).hasSize(2);
        assertThat(answer.path("size").textValue()).isEqualTo("48x32");
        JsonNode other = TestServer.json(
                200,
                server.send(form(new Form()
                                .text("prompt", "a red circle")
                                .text("n", "2")
                                .text("stencil", "{\"seed\": 3, \"steps\": 1, \"guidance\": 1}")
                                .file("image", png(0xFF0000))
                                .file("image", png(0x0000FF)))
                        .build()));
        assertThat(other.path("data")).isNotEqualTo(answer.path("data"));
    }

    /// As OpenAI's SDK for Python writes an object beside files.
    @Test
    void fieldsOfAFormMayHavePlaces() throws Exception {
        Form nested = new Form()
                .text("prompt", "a red circle")
                .text("n", "2")
                .text("stencil[seeds][]", "3")
                .text("stencil[seeds][]", "9")
                .text("stencil[steps]", "1")
                .text("stencil[guidance]", "1.5")
                .text("stencil[negative_prompt]", "1")
                .text("stencil[auto_resize]", "false")
                .text("stencil[templates][][name]", "brightness")
                .text("stencil[templates][][inputs][scale]", "0.9")
                .text("stencil[templates][][name]", "frame")
                .file("image", png(0xFF0000));
        Form json = new Form()
                .text("prompt", "a red circle")
                .text("n", "2")
                .text("stencil", """
                        {"seeds": [3, 9], "steps": 1, "guidance": 1.5, "negative_prompt": "1", "auto_resize": false,
                         "templates": [{"name": "brightness", "inputs": {"scale": 0.9}}, {"name": "frame"}]}""")
                .file("image", png(0xFF0000));

        assertThat(TestServer.json(200, server.send(form(nested).build())).path("data"))
                .hasSize(2)
                .isEqualTo(TestServer.json(200, server.send(form(json).build())).path("data"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "stencil[steps] | four | stencil.steps | expected an integer, but got a string",
                "stencil[guidance] | much | stencil.guidance | expected a decimal, but got a string",
                "stencil[sed] | 1 | stencil.sed | Unknown parameter: 'stencil.sed'",
                "stencil[templates][1][name] | frame | stencil[templates][1][name] | there is no element 0 before it",
                "stencil[templates][0][inputs][scale] | 1 | stencil.templates[0].name | Missing required parameter",
                "stencil[templates][name] | frame | stencil.templates | expected an array, but got an object",
                "prompt[x] | 1 | prompt[x] | a value of another kind",
                "colour[x] | 1 | colour | Unknown parameter: 'colour'"
            })
    void faultsOfFieldsWithPlacesNameThem(String name, String value, String param, String message) throws Exception {
        JsonNode error = TestServer.json(
                        400,
                        server.send(form(new Form()
                                        .text("prompt", "a")
                                        .text(name, value)
                                        .file("image", png(0)))
                                .build()))
                .path("error");

        assertThat(error.path("message").textValue()).contains(message);
        assertThat(error.path("param").textValue()).isEqualTo(param);
    }

    @Test
    void imagesAreWrittenAsWebpAndJpeg() throws Exception {
        byte[] png = Base64.getDecoder().decode(formatted("png", ""));
        byte[] webp = Base64.getDecoder().decode(formatted("webp", ", \"output_compression\": 100"));
        byte[] small = Base64.getDecoder().decode(formatted("webp", ", \"output_compression\": 1"));
        byte[] jpeg = Base64.getDecoder().decode(formatted("jpeg", ""));

        assertThat(webp).startsWith('R', 'I', 'F', 'F').hasSizeGreaterThan(small.length);
        assertThat(jpeg).startsWith(0xFF, 0xD8, 0xFF);
        RgbImage expected = RgbImageReader.read(png, Location.ofField("png"));
        for (byte[] lossy : List.of(webp, jpeg)) {
            RgbImage image = RgbImageReader.read(lossy, Location.ofField("lossy"));
            assertThat(image.size()).isEqualTo(expected.size());
            assertThat(difference(image, expected)).isLessThan(12);
        }
    }

    private String formatted(String format, String fields) throws Exception {
        JsonNode answer =
                TestServer.json(200, server.post(GENERATIONS, """
                {"prompt": "a", "output_format": "%s"%s, %s}""".formatted(format, fields, TestServer.SMALL)));
        assertThat(answer.path("output_format").textValue()).isEqualTo(format);
        return answer.path("data").path(0).path("b64_json").textValue();
    }

    /// Mean difference of all samples, in steps of 255.
    private static double difference(RgbImage image, RgbImage other) {
        double sum = 0;
        for (int at = 0; at < image.rgb().length; at++) {
            sum += Math.abs((image.rgb()[at] & 0xFF) - (other.rgb()[at] & 0xFF));
        }
        return sum / image.rgb().length;
    }

    @Test
    void aSideThatWebpDoesNotHoldIsRefusedBeforeAnyWork() throws Exception {
        long started = server.service.status().done();
        for (String path : List.of(GENERATIONS, EDITS)) {
            String image = "data:image/png;base64," + Base64.getEncoder().encodeToString(png(0));
            String images = path.equals(EDITS) ? "\"images\": [{\"image_url\": \"%s\"}], ".formatted(image) : "";
            JsonNode error = TestServer.json(400, server.post(path, """
                    {"prompt": "a", %s"size": "16400x16", "output_format": "webp", "stream": true}""".formatted(images)))
                    .path("error");

            assertThat(error.path("param").textValue()).isEqualTo("output_format");
            assertThat(error.path("message").textValue())
                    .contains("WebP holds at most 16383 pixels a side, found 16400 x 16", "write PNG");
        }
        assertThat(server.service.status().done()).isEqualTo(started);
    }

    @Test
    void aMaskKeepsTheOpaquePart() throws Exception {
        JsonNode answer = TestServer.json(
                200,
                server.send(form(new Form()
                                .text("prompt", "a red circle")
                                .text("size", "auto")
                                .text("stencil", "{\"seed\": 3, \"steps\": 2, \"guidance\": 1}")
                                .file("image", png(0x204060))
                                .file("mask", mask(48, 32)))
                        .build()));
        RgbImage image = image(answer.path("data").path(0));

        assertThat(image.pixel(40, 16)).isEqualTo(0x204060);
        assertThat(image.pixel(8, 16)).isNotEqualTo(0x204060);
    }

    @Test
    void anEditMayBeJson() throws Exception {
        String link = "data:image/png;base64," + Base64.getEncoder().encodeToString(png(0xFF0000));
        JsonNode answer = TestServer.json(200, server.post(EDITS, """
                {"prompt": "a circle", "images": [{"image_url": "%s"}], "stencil": {"steps": 1, "guidance": 1}}""".formatted(link)));

        assertThat(answer.path("size").textValue()).isEqualTo("48x32");
    }

    @Test
    void anEditIsStreamed() throws Exception {
        List<String> events = stream(form(new Form()
                .text("prompt", "a red circle")
                .text("stream", "true")
                .text("stencil", "{\"seed\": 3, \"steps\": 1, \"guidance\": 1}")
                .file("image", png(0xFF0000))));

        assertThat(events).hasSize(2).first().isEqualTo("event: image_edit.completed");
        Description.read()
                .check(
                        "CompletedImage",
                        events.getLast()
                                .substring("data: ".length())
                                .getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\u0000',
            value = {
                "{} | prompt | missing_required_parameter | Missing required parameter: 'prompt'.",
                "{\"prompt\": 5} | prompt | invalid_type | expected a string, but got an integer",
                "{\"prompt\": \"\"} | prompt | empty_string | empty string",
                "{\"prompt\": \"a\", \"n\": 0} | n | integer_below_min_value | Expected a value >= 1, but got 0",
                "{\"prompt\": \"a\", \"n\": 99} | n | integer_above_max_value | but got 99",
                "{\"prompt\": \"a\", \"n\": 1.5} | n | invalid_type | expected an integer, but got a decimal number",
                "{\"prompt\": \"a\", \"size\": \"big\"} | size | invalid_value | Invalid size 'big'",
                "{\"prompt\": \"a\", \"size\": \"100x100\"} | size | invalid_value | multiples of 16",
                "{\"prompt\": \"a\", \"size\": \"16000x16000\"} | size | invalid_value | at most 4194304 pixels",
                "{\"prompt\": \"a\", \"quality\": \"best\"} | quality | invalid_value | Supported values are: 'auto', 'low'",
                "{\"prompt\": \"a\", \"output_format\": \"gif\"} | output_format | invalid_value | 'png', 'jpeg', 'webp'",
                "{\"prompt\": \"a\", \"output_compression\": 50} | output_compression | invalid_value | PNG is not lossy",
                "{\"prompt\": \"a\", \"background\": \"transparent\"} | background | invalid_value | not supported",
                "{\"prompt\": \"a\", \"model\": \"llama\"} | model | model_not_found | The model 'llama' does not exist",
                "{\"prompt\": \"a\", \"colour\": 1} | colour | unknown_parameter | Unknown parameter: 'colour'",
                "{\"prompt\": \"a\", \"stencil\": {\"sed\": 1}} | stencil.sed | unknown_parameter | 'stencil.sed'",
                "{\"prompt\": \"a\", \"stencil\": {\"seed\": -1}} | stencil.seed | integer_below_min_value | -1",
                "{\"prompt\": \"a\", \"stencil\": {\"templates\": [{\"name\": \"brightnes\"}]}} | stencil.templates[0].name"
                        + " | template_not_found | did you mean 'brightness'",
                "{\"prompt\": \"a\", \"stencil\": {\"loras\": [{\"name\": \"x\"}]}} | stencil.loras[0].name | lora_not_found"
                        + " | there are none",
                "{\"prompt\": \"a\", \"stencil\": {\"templates\": [{\"name\": \"palette\", \"inputs\": {\"image\": \"/etc/passwd\"}}]}}"
                        + " | stencil.templates[0].inputs.image | invalid_image | is not",
                "[1] | | | it is not an object",
                "{\"prompt\": | | | We could not parse the JSON body",
                "{\"prompt\": \"a\", \"prompt\": \"b\"} | | | Duplicate"
            })
    void faultsNameTheFieldAsOpenAiDoes(String body, String param, String code, String message) throws Exception {
        JsonNode error = TestServer.json(400, server.post(GENERATIONS, body)).path("error");

        assertThat(error.path("message").textValue()).contains(message);
        assertThat(error.path("param").textValue()).isEqualTo(param);
        assertThat(error.path("code").textValue()).isEqualTo(code);
        assertThat(error.path("type").textValue()).isEqualTo("invalid_request_error");
    }

    @Test
    void faultsOfTemplateInputsAreTheClients() throws Exception {
        JsonNode error = TestServer.json(400, server.post(GENERATIONS, """
                {"prompt": "a", "size": "32x32",
                 "stencil": {"steps": 1, "templates": [{"name": "brightness", "inputs": {"scale": "much"}}]}}""")).path("error");

        assertThat(error.path("message").textValue())
                .contains("stencil.templates[0].inputs.scale", "expected a number");
        assertThat(server.faults).isEmpty();
    }

    @Test
    void faultsOfFormsNameTheField() throws Exception {
        JsonNode noImage = TestServer.json(
                        400, server.send(form(new Form().text("prompt", "a")).build()))
                .path("error");
        JsonNode noNumber = TestServer.json(
                        400,
                        server.send(form(new Form()
                                        .text("prompt", "a")
                                        .text("n", "two")
                                        .file("image", png(0)))
                                .build()))
                .path("error");
        JsonNode noPng = TestServer.json(
                        400,
                        server.send(form(new Form().text("prompt", "a").file("image", new byte[] {1, 2, 3}))
                                .build()))
                .path("error");
        JsonNode otherSize = TestServer.json(
                        400,
                        server.send(form(new Form()
                                        .text("prompt", "a")
                                        .file("image", png(0))
                                        .file("mask", mask(32, 32)))
                                .build()))
                .path("error");
        JsonNode noAlpha = TestServer.json(
                        400,
                        server.send(form(new Form()
                                        .text("prompt", "a")
                                        .file("image", png(0))
                                        .file("mask", png(0)))
                                .build()))
                .path("error");

        assertThat(noImage.path("message").textValue()).isEqualTo("Missing required parameter: 'image'.");
        assertThat(noNumber.path("param").textValue()).isEqualTo("n");
        assertThat(noPng.path("code").textValue()).isEqualTo("invalid_image");
        assertThat(otherSize.path("message").textValue()).contains("32 x 32", "48 x 32", "same size");
        assertThat(noAlpha.path("message").textValue()).contains("no alpha channel");
    }
}
