package io.stencil.lab.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.RgbImage;
import io.stencil.lab.evaluate.Finding.Metric;
import io.stencil.lab.evaluate.Measure.Effort;
import io.stencil.lab.evaluate.Painter.Steering;
import io.stencil.lab.world.Draws;
import io.stencil.lab.world.Renderer;
import io.stencil.lab.world.Scene;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every measurement distinguishes Templates that work from Templates without effect.
class MeasureTest {

    private static final Effort EFFORT = new Effort(31, 0.25);

    static List<Measure<?>> all() {
        return Measures.ALL;
    }

    static List<Measure<?>> steered() {
        return all().stream().filter(measure -> !measure.templates().isEmpty()).toList();
    }

    private static Measure<?> named(String name) {
        return Measures.named(List.of(name)).getFirst();
    }

    private static String text(Measure<?> measure, List<Metric> metrics) {
        return measure.name() + ": " + metrics;
    }

    @ParameterizedTest
    @MethodSource("all")
    void theWorldItselfMeetsEveryTarget(Measure<?> measure) {
        Measure.Outcome outcome = measure.run(new PerfectPainter(EFFORT, measure.name()), EFFORT);
        assertThat(outcome.metrics()).as(text(measure, outcome.metrics())).allMatch(Metric::holds);
        assertThat(outcome.metrics()).anyMatch(metric -> !metric.target().text().isEmpty());
        assertThat(outcome.rows()).allSatisfy(row -> assertThat(row.images()).isNotEmpty());
    }

    /// Images of captions, in one light whatever the Template's input is.
    @ParameterizedTest
    @MethodSource("steered")
    void aTemplateThatDoesNothingMissesATarget(Measure<?> measure) {
        Painter indifferent = new Painter() {
            @Override
            public RgbImage paint(String prompt, long seed, List<Steering> steering) {
                Scene scene = Scene.captioned(new Draws(EFFORT.seed(), seed - HeldOut.noise(EFFORT, 0)));
                return Renderer.paint(scene.with(scene.light().withBrightness(1)), HeldOut.SIZE);
            }

            @Override
            public RgbImage paintOver(
                    RgbImage image, double strength, String prompt, long seed, List<Steering> steering) {
                return image;
            }

            @Override
            public String keep(RgbImage image) {
                return "";
            }
        };
        Measure.Outcome outcome = measure.run(indifferent, EFFORT);
        assertThat(outcome.metrics()).as(text(measure, outcome.metrics())).anyMatch(metric -> !metric.holds());
    }

    /// A Template of any name, whose input is no measurement's: nothing has a target, and the effect is reported.
    @Test
    void aNumberOfAnyTemplateIsMeasured() {
        Measure<?> measure = named("mine.light");
        assertThat(measure.templates()).containsExactly("mine");
        PerfectPainter brightness = new PerfectPainter(EFFORT, "brightness");
        Painter renamed = new Painter() {
            @Override
            public RgbImage paint(String prompt, long seed, List<Steering> steering) {
                Steering mine = steering.getFirst();
                assertThat(mine.template()).isEqualTo("mine");
                return brightness.paint(
                        prompt,
                        seed,
                        List.of(Steering.of(
                                "brightness",
                                "scale",
                                mine.fields().get("light").doubleValue())));
            }

            @Override
            public RgbImage paintOver(
                    RgbImage image, double strength, String prompt, long seed, List<Steering> steering) {
                throw new AssertionError("paints over an image");
            }

            @Override
            public String keep(RgbImage image) {
                throw new AssertionError("takes an image");
            }
        };
        List<Metric> metrics = measure.run(renamed, EFFORT).metrics();
        assertThat(metrics).allMatch(metric -> metric.target().text().isEmpty());
        assertThat(metrics)
                .filteredOn(metric -> metric.name().equals("Spearman of light and brightness, within a caption"))
                .singleElement()
                .satisfies(metric -> assertThat(metric.value()).isGreaterThan(0.99));
    }

    @Test
    void aBaseModelThatPaintsOtherScenesMisses() {
        Measure<?> measure = named("base");
        PerfectPainter other = new PerfectPainter(new Effort(EFFORT.seed() - 1, 1), measure.name());
        Measure.Outcome outcome = measure.run(other, EFFORT);
        assertThat(outcome.metrics().subList(0, 6)).noneMatch(Metric::holds);
    }

    /// Half of the lost detail comes back, whether there is a Template or not.
    @Test
    void aBaseModelThatUpscalesByItselfLeavesTheTemplateNoGain() {
        Measure<?> measure = named("upscale");
        PerfectPainter perfect = new PerfectPainter(EFFORT, measure.name());
        Painter alone = new Painter() {
            @Override
            public RgbImage paint(String prompt, long seed, List<Steering> steering) {
                return perfect.paint(prompt, seed, steering);
            }

            @Override
            public RgbImage paintOver(
                    RgbImage image, double strength, String prompt, long seed, List<Steering> steering) {
                return middle(image, perfect.paint(prompt, seed, steering));
            }

            @Override
            public String keep(RgbImage image) {
                return perfect.keep(image);
            }
        };
        List<Metric> metrics = measure.run(alone, EFFORT).metrics();
        assertThat(metrics).filteredOn(metric -> !metric.holds()).containsExactly(metrics.get(1));
        assertThat(metrics.get(1).value()).isZero();
    }

    private static RgbImage middle(RgbImage one, RgbImage other) {
        byte[] rgb = one.rgb().clone();
        for (int at = 0; at < rgb.length; at++) {
            rgb[at] = (byte) (((one.rgb()[at] & 0xFF) + (other.rgb()[at] & 0xFF)) / 2);
        }
        return RgbImage.of(one.width(), one.height(), rgb);
    }

    @Test
    void anInputFollowsTheLastDotAndATemplateIsNoPath() {
        Measure<?> input = named("mine-1.5.scale");
        assertThat(input.name()).isEqualTo("mine-1.5.scale");
        assertThat(input.templates()).containsExactly("mine-1.5");
        for (String path : List.of("../x", "/absolute/x", "..", ".", "a/b", "a\\b")) {
            assertThatThrownBy(() -> named(path + ".scale"))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage(
                            "'NAME': '%s' is not the name of a Template but a path; name its folder by --template NAME=DIR",
                            path);
        }
    }

    @Test
    void unknownNamesAndSharesAreRefused() {
        assertThat(Measures.named(List.of("edit", "base")))
                .extracting(Measure::name)
                .containsExactly("edit", "base");
        assertThatThrownBy(() -> Measures.named(List.of("edits")))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("'edits' is not a measurement; there are base, brightness")
                .hasMessageEndingWith("and TEMPLATE.INPUT for a number of any Template");
        assertThatThrownBy(() -> new Effort(1, 0))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("'share': must be above 0");
    }
}
