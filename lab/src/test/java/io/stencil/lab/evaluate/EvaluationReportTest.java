package io.stencil.lab.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stencil.lab.evaluate.Finding.Metric;
import io.stencil.lab.evaluate.Finding.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluationReportTest {

    @TempDir
    private Path folder;

    @Test
    void metricsAreNumbersOrNullAndMissedTargetsAreShown() throws IOException {
        Finding finding = new Finding(
                "count",
                List.of(
                        new Metric("Spearman <all>", Double.NaN, new Target.AtLeast(0.9)),
                        new Metric("least step", 0.5, new Target.Above(0)),
                        new Metric("guidance", 1.4, new Target.None())),
                100,
                2,
                List.of());
        EvaluationReport.write(List.of(finding), "seed 1 & more", folder);

        JsonNode written =
                new ObjectMapper().readTree(folder.resolve("evaluation.json").toFile());
        assertThat(written.get("measurements").get(0).get("images").intValue()).isEqualTo(100);
        JsonNode figures = written.get("measurements").get(0).get("figures");
        assertThat(figures.get(0).get("value").isNull()).isTrue();
        assertThat(figures.get(0).get("holds").booleanValue()).isFalse();
        assertThat(figures.get(1).get("value").doubleValue()).isEqualTo(0.5);
        assertThat(figures.get(2).has("target")).isFalse();
        assertThat(written.get("holds").booleanValue()).isFalse();
        assertThat(Files.readString(folder.resolve("index.html")))
                .contains("seed 1 &amp; more", "Spearman &lt;all&gt;", "class=\"missed\"")
                .doesNotContain("{{");
    }
}
