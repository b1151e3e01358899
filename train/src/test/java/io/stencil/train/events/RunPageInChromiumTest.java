package io.stencil.train.events;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.json.Json;
import io.stencil.train.checkpoint.RunFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The page of a run as a browser shows it while the run goes on.
class RunPageInChromiumTest {

    /// Whether the page shows so many steps, and all of its images.
    private static final String SHOWN =
            "document.body && document.body.innerText.includes('%s / 9') && [...document.images].every(i => i.complete)";

    private static final String TEXT = "document.body.innerText";

    /// Points of the line of means, which is the widest of the first chart.
    private static final String CURVE_POINTS =
            "document.querySelector('svg path[stroke-width=\"2.5\"]').getAttribute('d').split(/[ML]/).length - 1";

    private static final String IMAGES =
            "[...document.images].map(i => i.alt + ' ' + i.naturalWidth + 'x' + i.naturalHeight).join(', ')";

    private static final String ADDRESSES =
            "[...document.querySelectorAll('[src],[href]')].map(e => e.src || e.href).join(' ')";

    @TempDir
    private Path temporary;

    private final List<String> warnings = new ArrayList<>();

    @SuppressWarnings("NullAway.Init")
    private Path folder;

    @SuppressWarnings("NullAway.Init")
    private RunPage page;

    private long now;

    private void event(String json) throws IOException {
        page.accept((ObjectNode) Json.MAPPER.readTree(json.replace('\'', '"')));
    }

    private void step(long step) throws IOException {
        event("{'type':'step','step':%s,'epoch':0,'loss':%s,'learning_rate':0.5,'seconds':%s}"
                .formatted(step, 0.5 / step, step));
    }

    private void validation(long step, double mean, double low, String finding) throws IOException {
        event("""
                {'type':'validation','step':%s,'rows':8,'loss':0.25,'bands':[0.4,0.3,0.2,0.1],
                 'template_gain':{'mean':0.5,'low':0.4,'high':0.6},
                 'steering_gain':{'mean':%s,'low':%s,'high':0.9},
                 'finding':'%s','best_step':%s,'best_loss':0.25}""".formatted(step, mean, low, finding, step));
    }

    /// Adds a sample image and writes the page, which is due then and not before.
    private void sample(long step, int width) throws IOException {
        now += 10_000_000_000L;
        String file = "samples/step-%s/a #%%.png".formatted(step);
        Files.createDirectories(folder.resolve(file).getParent());
        RgbImageWriter.write(RgbImage.of(width, 32, new byte[width * 32 * 3]), folder.resolve(file));
        event("{'type':'samples','step':%s,'images':[{'name':'a','file':'%s','caption':'red %s'}]}"
                .formatted(step, file, step));
    }

    @Test
    @Timeout(300)
    void itShowsCurveSamplesAndGainAndRenewsItselfAndNoRequestLeavesTheRun() throws Exception {
        folder = Files.createDirectories(temporary.resolve("a run #1"));
        ObjectNode about = (ObjectNode) Json.MAPPER.readTree("{\"options\": {\"max_steps\": 9}}");
        page = new RunPage(new RunFolder(folder), about, new ProgressText(), () -> now, warnings::add);
        page.begin();
        event("{'type':'start','step':0,'steps':9,'rows':3,'trainable_parameters':7,'seed':42}");
        step(1);
        step(2);
        validation(2, 0.125, -0.1, "the Template does not use its input yet");
        sample(2, 48);
        try (Chromium browser = new Chromium(Files.createDirectories(temporary.resolve("browser")))) {
            browser.open(folder.resolve("index.html").toUri());
            assertThat(browser.evaluate(SHOWN.formatted(2), TEXT))
                    .contains("training", "Training loss", "mean 0.3737", "Validation loss", "steering gain", "0.125")
                    .contains("After step 2: the Template does not use its input yet.");
            assertThat(browser.evaluate(SHOWN.formatted(2), CURVE_POINTS)).isEqualTo("2");
            assertThat(browser.evaluate(SHOWN.formatted(2), IMAGES)).isEqualTo("red 2 48x32");

            step(3);
            validation(3, 0.75, 0.7, "the Template uses its input");
            sample(3, 64);
            assertThat(browser.evaluate(SHOWN.formatted(3), TEXT))
                    .contains("training", "0.75", "After step 3: the Template uses its input.");
            assertThat(browser.evaluate(SHOWN.formatted(3), CURVE_POINTS)).isEqualTo("3");
            assertThat(browser.evaluate(SHOWN.formatted(3), IMAGES)).isEqualTo("red 2 48x32, red 3 64x32");

            String run = folder.toUri().toString();
            assertThat(browser.requests())
                    .contains(run + "index.html", run + "samples/step-3/a%20%23%25.png")
                    .allMatch(address -> address.startsWith(run));
            assertThat(browser.evaluate(SHOWN.formatted(3), ADDRESSES).split(" "))
                    .allMatch(address -> address.startsWith(run));
        }
        assertThat(warnings).isEmpty();
    }
}
