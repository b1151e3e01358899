package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import io.stencil.lab.world.Description;
import io.stencil.lab.world.Judge;
import io.stencil.lab.world.Scene;
import io.stencil.lab.world.Score;
import java.util.List;
import java.util.function.Predicate;

/// The base model alone: how often a picture shows what its caption says, of any caption, and of such as no row of its
/// dataset has.
public record BaseMeasure() implements Measure {

    private static final int SHOWN = 6;

    @Override
    public String name() {
        return "base";
    }

    @Override
    public List<String> templates() {
        return List.of();
    }

    @Override
    public double guidance() {
        return 3;
    }

    @Override
    public Outcome run(Painter painter, Effort effort) {
        List<HeldOut.Drawn> scenes = HeldOut.drawn(effort, effort.of(200, 10));
        List<Painted> drawn = paint(painter, effort, scenes);
        List<Painted> rowless = paint(painter, effort, HeldOut.captionsOfNoRow(effort, effort.of(200, 10)));
        Score all = score(drawn, _ -> true);
        Score others = score(rowless, _ -> true);
        Score open = score(drawn, painted -> painted.asked().size() == null);
        return new Outcome(
                List.of(
                        Figure.atLeast("colour of the shape right", all.colourAccuracy(), 0.9),
                        Figure.atLeast("background right", all.backgroundAccuracy(), 0.9),
                        Figure.atLeast("shape right", all.figureAccuracy(), 0.75),
                        Figure.atLeast("captions of no row: colour right", others.colourAccuracy(), 0.9),
                        Figure.atLeast("captions of no row: background right", others.backgroundAccuracy(), 0.9),
                        Figure.atLeast("captions of no row: shape right", others.figureAccuracy(), 0.75),
                        Figure.told("shape right, where size and position are open", open.figureAccuracy()),
                        Figure.told("size right, where told", all.sizeAccuracy()),
                        Figure.told("position right, where told", all.positionAccuracy())),
                List.of(row("captions", drawn), row("captions that no row of the dataset has", rowless)));
    }

    private static List<Painted> paint(Painter painter, Effort effort, List<HeldOut.Drawn> scenes) {
        return scenes.stream()
                .map(drawn -> new Painted(
                        drawn.scene(),
                        painter.paint(drawn.scene().caption(), HeldOut.noise(effort, drawn.index()), List.of())))
                .toList();
    }

    private static Score score(List<Painted> pictures, Predicate<Painted> chosen) {
        Score score = Score.NONE;
        for (Painted painted : pictures) {
            if (chosen.test(painted)) {
                score = score.plus(painted.asked(), Judge.look(painted.picture()));
            }
        }
        return score;
    }

    private static PictureRow row(String heading, List<Painted> pictures) {
        return new PictureRow(
                heading,
                pictures.stream()
                        .limit(SHOWN)
                        .map(painted -> new PictureRow.Captioned(painted.scene().caption(), painted.picture()))
                        .toList());
    }

    private record Painted(Scene scene, RgbImage picture) {
        Description asked() {
            return scene.described();
        }
    }
}
