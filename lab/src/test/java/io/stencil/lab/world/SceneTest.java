package io.stencil.lab.world;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SceneTest {

    private static final List<Scene> MANY = IntStream.range(0, 1000)
            .mapToObj(index -> Scene.captioned(new Draws(3, index)))
            .toList();

    /// What every caption says, written anew: the reader of a caption knows no phrasing.
    private static final Pattern SHAPE =
            Pattern.compile("a (?:(small|large) )?(red|yellow|green|blue|purple|white) (circle|square|triangle|ring)"
                    + "(?: (on the left|on the right|at the top|at the bottom|in the center))?");
    private static final Pattern BACKGROUND = Pattern.compile("(gray|pink|teal|brown) background");

    @Test
    void captionsSayWhatTheSceneIs() {
        for (Scene scene : MANY) {
            String caption = scene.caption();
            Matcher shape = SHAPE.matcher(caption);
            Matcher background = BACKGROUND.matcher(caption);
            assertThat(shape.find()).as(caption).isTrue();
            assertThat(background.find()).as(caption).isTrue();
            Description described = scene.described();
            assertThat(shape.group(2)).isEqualTo(described.colour().word());
            assertThat(shape.group(3)).isEqualTo(described.figure().word());
            assertThat(background.group(1)).isEqualTo(described.background().word());
            Description.ShapeSize size = described.size();
            Description.Position position = described.position();
            assertThat(shape.group(1)).isEqualTo(size == null ? null : size.word());
            assertThat(shape.group(4)).isEqualTo(position == null ? null : position.words());
            assertThat(caption.split(" ")).hasSizeLessThanOrEqualTo(15);
        }
    }

    @Test
    void captionsStayWhatTheyAre() {
        assertThat(IntStream.range(0, 5)
                        .mapToObj(index -> Scene.captioned(new Draws(3, index)).caption()))
                .containsExactly(
                        "a green ring, gray background",
                        "a picture of a large purple triangle on the left, pink background",
                        "a pink background, a large red ring at the bottom",
                        "a brown background, a small purple triangle on the right",
                        "a large blue circle at the bottom, teal background");
    }

    @Test
    void shapesStandWhereTheCaptionSays() {
        for (Scene scene : MANY) {
            Scene.Placement at = scene.placement();
            assertThat(at.x()).isBetween(at.radius(), 1 - at.radius());
            assertThat(at.y()).isBetween(at.radius(), 1 - at.radius());
            if (scene.described().size() != null) {
                assertThat(Description.ShapeSize.of(at.radius()))
                        .isEqualTo(scene.described().size());
                assertThat(Description.Position.nearest(at.x(), at.y()))
                        .isEqualTo(scene.described().position());
            }
        }
    }

    @Test
    void everyWordComesAboutAsOftenAsItsLikes() {
        assertThat(MANY.stream().map(Scene::phrasing)).containsAll(EnumSet.allOf(Scene.Phrasing.class));
        for (Description.ShapeColour colour : Description.ShapeColour.values()) {
            assertThat(MANY.stream().filter(scene -> scene.described().colour() == colour))
                    .hasSizeBetween(110, 230);
        }
        for (Description.Position position : Description.Position.values()) {
            assertThat(MANY.stream().filter(scene -> scene.described().position() == position))
                    .hasSizeBetween(120, 220);
        }
        assertThat(MANY.stream().filter(scene -> scene.described().size() == null))
                .hasSizeBetween(100, 200);
    }

    @Test
    void lightIsFreeOfTheCaption() {
        for (Description.Background background : Description.Background.values()) {
            double[] brightness = light(background).toArray();
            assertThat(brightness[0]).isLessThan(Light.DIM + 0.05);
            assertThat(brightness[brightness.length - 1]).isGreaterThan(Light.BRIGHT - 0.05);
            assertThat(brightness[brightness.length / 2]).isBetween(0.9, 1.15);
        }
    }

    private static DoubleStream light(Description.Background background) {
        return MANY.stream()
                .filter(scene -> scene.described().background() == background)
                .mapToDouble(scene -> scene.light().brightness())
                .sorted();
    }

    @Test
    void anEditChangesOneThing() {
        Set<String> instructions = new HashSet<>();
        for (int index = 0; index < 300; index++) {
            Draws draws = new Draws(4, index);
            Scene.Edit edit = Scene.Edit.any(Scene.full(draws), draws);
            Description before = edit.before().described();
            Description after = edit.after().described();
            long changes = Stream.of(
                            before.colour() != after.colour(),
                            before.background() != after.background(),
                            before.figure() != after.figure())
                    .filter(changed -> changed)
                    .count();
            assertThat(changes).isOne();
            assertThat(edit.instruction())
                    .endsWith(
                            before.colour() == after.colour()
                                    ? "background " + after.background().word()
                                    : "it " + after.colour().word());
            assertThat(edit.after().placement()).isEqualTo(edit.before().placement());
            assertThat(edit.after().light()).isEqualTo(edit.before().light());
            instructions.add(edit.instruction());
        }
        assertThat(instructions)
                .hasSize(Description.ShapeColour.values().length + Description.Background.values().length);
    }
}
