package io.stencil.lab.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.image.RgbImage;
import io.stencil.lab.evaluate.Finding.Metric;
import io.stencil.lab.evaluate.Finding.Target;
import io.stencil.lab.evaluate.InputSweep.Statistic;
import io.stencil.lab.evaluate.Measure.Effort;
import io.stencil.lab.evaluate.Painter.Steering;
import io.stencil.lab.world.Draws;
import io.stencil.lab.world.Renderer;
import io.stencil.lab.world.Scene;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

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
        Measure<?> measure = InputSweep.parse("light=0..1")
                .of("mine", JsonNodeFactory.instance.objectNode(), List.of(Statistic.BRIGHTNESS));
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

    /// A base model that draws nothing for every other caption, where the Template then has no edge to sharpen.
    @Test
    void sharpnessCountsTheCaptionsThatTheBaseModelShows() {
        Measure<?> measure = named("sharpness");
        List<Metric> metrics =
                measure.run(blankFor(seed -> seed % 2 == 1), EFFORT).metrics();
        assertThat(metrics).allMatch(Metric::holds);
        assertThat(metrics)
                .filteredOn(metric -> metric.name().equals("share of captions shown without the Template"))
                .singleElement()
                .satisfies(metric -> assertThat(metric.value()).isEqualTo(0.5));
        assertThat(metrics)
                .filteredOn(metric -> metric.name().equals("the correlation over all captions"))
                .singleElement()
                .satisfies(metric -> assertThat(metric.value()).isLessThan(0.1));
        assertThat(measure.run(blankFor(_ -> true), EFFORT).metrics()).anyMatch(metric -> !metric.holds());
    }

    /// The world itself, but for noise whose seed is `blank`: black without the Template, and steered the wrong way.
    private static Painter blankFor(LongPredicate blank) {
        PerfectPainter perfect = new PerfectPainter(EFFORT, "sharpness");
        return new Painter() {
            @Override
            public RgbImage paint(String prompt, long seed, List<Steering> steering) {
                if (!blank.test(seed)) {
                    return perfect.paint(prompt, seed, steering);
                }
                if (steering.isEmpty()) {
                    return RgbImage.of(64, 64, new byte[64 * 64 * 3]);
                }
                double scale = steering.getFirst().fields().get("scale").doubleValue();
                return perfect.paint(prompt, seed, List.of(Steering.of("sharpness", "scale", 1 - scale)));
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
    }

    private static RgbImage middle(RgbImage one, RgbImage other) {
        byte[] rgb = one.rgb().clone();
        for (int at = 0; at < rgb.length; at++) {
            rgb[at] = (byte) (((one.rgb()[at] & 0xFF) + (other.rgb()[at] & 0xFF)) / 2);
        }
        return RgbImage.of(one.width(), one.height(), rgb);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "scale",
                "=0..1",
                "scale=1",
                "scale=a..b",
                "scale=1..1",
                "scale=1..1.0",
                "scale=0..1..2",
                "a=b=0..1"
            })
    void anInputThatIsNoRangeIsRefused(String text) {
        assertThatThrownBy(() -> InputSweep.parse(text))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(
                        "'input': expected NAME=MIN..MAX with two different numbers, such as scale=0..1, found '%s'",
                        text);
    }

    @Test
    void aRangeHasNineValuesAndWholeBoundsGiveWholeNumbers() {
        assertThat(InputSweep.parse("x=-1.0..1").values())
                .isEqualTo(List.of(-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0));
        assertThat(InputSweep.parse("x=0..1").values()).hasSize(9).endsWith(1.0);
        assertThat(InputSweep.parse("n=1..6").values()).isEqualTo(List.of(1L, 2L, 3L, 4L, 5L, 6L));
        assertThat(InputSweep.parse("n=6..1").values()).startsWith(6L).endsWith(1L);
        assertThat(InputSweep.parse("n=0..80").values()).startsWith(0L, 10L, 20L);
        assertThat(InputSweep.parse("x=1e-3..2e-3").values()).hasSize(9).startsWith(0.001);
    }

    /// The other inputs are passed on, and the values of a sweep in the number's own type.
    @Test
    void inputsOfAnOwnTemplateArePassedOn() {
        ObjectNode others = JsonNodeFactory.instance.objectNode().put("style", "vivid");
        Measure<?> measure = InputSweep.parse("n=1..3").of("my/template", others, List.of(Statistic.RED));
        Set<String> inputs = new LinkedHashSet<>();
        PerfectPainter perfect = new PerfectPainter(EFFORT, "brightness");
        Painter recording = new Painter() {
            @Override
            public RgbImage paint(String prompt, long seed, List<Steering> steering) {
                inputs.add(steering.getFirst().template() + steering.getFirst().fields());
                return perfect.paint(prompt, seed, List.of(Steering.of("brightness", "scale", 1)));
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
        measure.run(recording, EFFORT);
        assertThat(inputs)
                .containsExactly(
                        "my/template{\"style\":\"vivid\",\"n\":1}",
                        "my/template{\"style\":\"vivid\",\"n\":2}",
                        "my/template{\"style\":\"vivid\",\"n\":3}");
        assertThatThrownBy(() -> InputSweep.parse("style=1..3").of("my/template", others, List.of(Statistic.RED)))
                .hasMessage("'template_inputs': has 'style' too, which --input varies; leave it out");
        assertThatThrownBy(() -> Statistic.parse("warmth"))
                .hasMessageStartingWith("'statistic': expected one of")
                .hasMessageContaining("sharpness");
    }

    /// With several seeds the value that is farthest from its target counts; NaN holds nowhere.
    @Test
    void theWorstSeedCounts() {
        assertThat(metric(new Target.AtLeast(0.9), 0.95, 0.89, 0.99))
                .returns(0.89, Metric::value)
                .returns(false, Metric::holds);
        assertThat(metric(new Target.Above(0), 0.5, 0.1))
                .returns(0.1, Metric::value)
                .returns(true, Metric::holds);
        assertThat(metric(new Target.AtMost(0.06), 0.05, 0.07))
                .returns(0.07, Metric::value)
                .returns(false, Metric::holds);
        assertThat(metric(new Target.Below(0.4), 0.1, 0.3))
                .returns(0.3, Metric::value)
                .returns(true, Metric::holds);
        assertThat(metric(new Target.None(), 1.0, 2.0, 6.0))
                .returns(3.0, Metric::value)
                .returns(true, Metric::holds);
        assertThat(metric(new Target.AtLeast(0.9), 0.95, Double.NaN)).returns(false, Metric::holds);
        assertThat(metric(new Target.Below(0.4), Double.NaN, 0.1)).returns(false, Metric::holds);
    }

    private static Metric metric(Target target, Double... values) {
        return new Metric("m", List.of(values), target);
    }

    @Test
    void unknownNamesAndSharesAreRefused() {
        assertThat(Measures.named(List.of("edit", "base")))
                .extracting(Measure::name)
                .containsExactly("edit", "base");
        assertThatThrownBy(() -> Measures.named(List.of("edits")))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("'edits' is not a measurement; there are base, brightness")
                .hasMessageEndingWith("to measure a Template of your own, add --input NAME=MIN..MAX");
        assertThatThrownBy(() -> new Effort(1, 0))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("'share': must be above 0");
    }
}
