package io.stencil.train.events;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.json.Json;
import io.stencil.train.checkpoint.RunFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunPageTest {

    private static final Pattern DATA = Pattern.compile("id=\"data\">(.*?)</script>");

    @TempDir
    private Path folder;

    private final List<String> warnings = new ArrayList<>();
    private long now;
    private RunPage page;

    @BeforeEach
    void begin() throws IOException {
        ObjectNode about = (ObjectNode) Json.MAPPER.readTree("""
                {"stencil_version": "1.0", "options": {"trainable_models": "template_model",
                 "template_model_id_or_path": "/a/warm light", "model_paths": ["/b/klein"]}}""");
        page = new RunPage(new RunFolder(folder), about, new ProgressText(), () -> now, warnings::add);
        page.begin();
    }

    private void event(String json) throws IOException {
        page.accept((ObjectNode) Json.MAPPER.readTree(json.replace('\'', '"')));
    }

    private void start(long done, long steps) throws IOException {
        event("{'type':'start','step':%s,'steps':%s,'rows':3,'trainable_parameters':7,'seed':42}"
                .formatted(done, steps));
    }

    private void step(long step) throws IOException {
        event("{'type':'step','step':%s,'epoch':0,'loss':%s,'learning_rate':0.5,'seconds':%s}"
                .formatted(step, step % 2 == 0 ? 0.75 : 0.25, step));
    }

    private JsonNode data() throws IOException {
        Matcher data = DATA.matcher(Files.readString(folder.resolve("index.html")));
        assertThat(data.find()).isTrue();
        return Json.MAPPER.readTree(data.group(1));
    }

    @Test
    void itShowsTheRunSoFar() throws IOException {
        Files.createDirectories(folder.resolve("checkpoints"));
        Files.writeString(folder.resolve("checkpoints/step-2.safetensors"), "");
        start(0, 4);
        assertThat(data().path("running").asBoolean()).isTrue();
        step(1);
        event("{'type':'validation','step':1,'rows':3,'loss':0.5,'bands':[0.5],'best_step':1,'best_loss':0.5}");
        event("{'type':'samples','step':1,'images':[{'name':'a','file':'samples/a.png','caption':'red'}]}");
        event("{'type':'checkpoint','step':1,'file':'checkpoints/step-1.safetensors'}"); // removed since
        event("{'type':'checkpoint','step':2,'file':'checkpoints/step-2.safetensors'}");
        event("{'type':'warning','step':1,'message':'</script><b>'}");
        start(1, 4);
        step(2);
        event("{'type':'end','step':2,'reason':'stopped','seconds':9.5}");

        JsonNode data = data();
        assertThat(data.path("running").asBoolean()).isFalse();
        assertThat(data.path("reason").asText()).isEqualTo("stopped");
        assertThat(data.path("template").asText()).isEqualTo("warm light");
        assertThat(data.path("base").asText()).isEqualTo("klein");
        assertThat(data.path("step").asInt()).isEqualTo(2);
        assertThat(data.path("steps").asInt()).isEqualTo(4);
        assertThat(data.path("resumed").toString()).isEqualTo("[1]");
        assertThat(data.path("curve").toString()).isEqualTo("[[1,0.25,0.25,0.25,0.5],[2,0.75,0.75,0.75,0.5]]");
        assertThat(data.path("validations")).hasSize(1);
        assertThat(data.path("samples")
                        .path(0)
                        .path("images")
                        .path(0)
                        .path("file")
                        .asText())
                .isEqualTo("samples/a.png");
        assertThat(data.path("checkpoints").findValuesAsText("file")).containsExactly("checkpoints/step-2.safetensors");
        assertThat(data.path("warnings").path(0).path("message").asText()).isEqualTo("</script><b>");
        assertThat(warnings).isEmpty();
    }

    /// Two seconds pass between pages, or fifty times what one took.
    @Test
    void itIsWrittenNowAndThen() throws IOException {
        start(0, 9);
        now += 1_999_999_999L;
        step(1);
        assertThat(data().path("step").asInt()).isZero();
        now += 1;
        step(2);
        assertThat(data().path("step").asInt()).isEqualTo(2);
        step(3);
        assertThat(data().path("step").asInt()).isEqualTo(2);
    }

    @Test
    void aLongRunIsASmallPage() throws IOException {
        start(0, 100_000);
        for (long step = 1; step <= 100_000; step++) {
            step(step);
            if (step % 100 == 0) {
                event(
                        "{'type':'validation','step':%s,'rows':3,'loss':0.5,'bands':[1,1,1,1],'best_step':1,'best_loss':0.5}"
                                .formatted(step));
                event("{'type':'samples','step':%s,'images':[]}".formatted(step));
            }
        }
        event("{'type':'end','step':100000,'reason':'done','seconds':1}");
        JsonNode curve = data().path("curve");
        assertThat(curve.size()).isBetween(500, 1000);
        assertThat(curve.path(0).toString()).isEqualTo("[128,0.5,0.25,0.75,0.5]");
        assertThat(curve.path(curve.size() - 1).path(0).asInt()).isEqualTo(100_000);
        assertThat(data().path("curve_width").asInt()).isEqualTo(128);
        assertThat(data().path("validations").findValuesAsText("step"))
                .hasSize(400)
                .contains("100", "100000");
        assertThat(data().path("samples").findValuesAsText("step")).hasSize(24).contains("100", "100000");
        assertThat(Files.size(folder.resolve("index.html"))).isLessThan(250_000);
    }

    @Test
    void aPageThatCannotBeWrittenIsAWarning() throws IOException {
        Files.createDirectories(folder.resolve("index.html/full"));
        start(0, 9);
        now += 9_000_000_000L;
        step(1);
        assertThat(warnings)
                .singleElement()
                .asString()
                .startsWith("the page %s cannot be written any more: ".formatted(folder.resolve("index.html")));
    }

    /// Such as a path of another system.
    @Test
    void aNameThatIsNoPathIsAWarning() throws IOException {
        ObjectNode about = (ObjectNode) Json.MAPPER.readTree("{\"options\": {\"model_paths\": [\"a\\u0000b\"]}}");
        page = new RunPage(new RunFolder(folder), about, new ProgressText(), () -> now, warnings::add);
        page.begin();
        start(0, 9);
        assertThat(warnings).singleElement().asString().contains("cannot be written any more: ", "InvalidPath");
    }

    /// Nothing is fetched from elsewhere: the only addresses are those of namespaces.
    @Test
    void itFetchesNothing() throws IOException {
        start(0, 1);
        String text = Files.readString(folder.resolve("index.html"));
        assertThat(text.replace("http://www.w3.org/2000/svg", ""))
                .doesNotContain("http:", "https:", "//cdn", "@import");
        assertThat(text).contains("default-src 'none'");
    }
}
