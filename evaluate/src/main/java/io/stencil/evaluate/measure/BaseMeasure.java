package io.stencil.evaluate.measure;

import io.stencil.evaluate.Effort;
import io.stencil.evaluate.Figure;
import io.stencil.evaluate.Measure;
import io.stencil.evaluate.Painter;
import io.stencil.evaluate.PictureRow;
import io.stencil.image.RgbImage;
import io.stencil.world.judge.Judge;
import io.stencil.world.judge.Score;
import io.stencil.world.scene.Scene;
import java.util.ArrayList;
import java.util.List;

/// The base model alone: how often a picture shows what its caption says, of captions that it was not trained on.
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
        List<HeldOut.Drawn> scenes = HeldOut.unseen(effort, effort.of(200, 10));
        Score score = Score.NONE;
        List<PictureRow.Captioned> shown = new ArrayList<>();
        for (int i = 0; i < scenes.size(); i++) {
            Scene scene = scenes.get(i).scene();
            long noise = HeldOut.noise(effort, scenes.get(i).index());
            RgbImage picture = painter.paint(scene.caption(), noise, List.of());
            score = score.plus(scene.described(), Judge.look(picture));
            if (i < SHOWN) {
                shown.add(new PictureRow.Captioned(scene.caption(), picture));
            }
        }
        return new Outcome(
                List.of(
                        Figure.atLeast("colour of the shape right", score.colourAccuracy(), 0.9),
                        Figure.atLeast("background right", score.backgroundAccuracy(), 0.9),
                        Figure.atLeast("shape right", score.figureAccuracy(), 0.75),
                        Figure.told("size right, where told", score.sizeAccuracy()),
                        Figure.told("position right, where told", score.positionAccuracy())),
                List.of(new PictureRow("captions", shown)));
    }
}
