package io.stencil.lab.evaluate;

import io.stencil.lab.world.Correlation;
import io.stencil.lab.world.PixelStatistics;
import java.util.List;

/// `{scale}` against the mean brightness of the picture.
public record BrightnessMeasure() implements Measure {

    static final String TEMPLATE = "brightness";
    private static final int SCALES = 9;

    @Override
    public String name() {
        return TEMPLATE;
    }

    @Override
    public List<String> templates() {
        return List.of(TEMPLATE);
    }

    @Override
    public double guidance() {
        return 3;
    }

    @Override
    public Outcome run(Painter painter, Effort effort) {
        Grid grid = Grid.paint(
                painter,
                effort,
                HeldOut.captioned(effort, effort.of(20, 2)),
                Grid.zeroToOne(SCALES),
                scale -> Steering.of(TEMPLATE, "scale", scale));
        return new Outcome(
                List.of(
                        Figure.atLeast(
                                "Spearman of scale and brightness, all pictures",
                                grid.spearman(PixelStatistics::meanBrightness),
                                0.95),
                        Figure.told(
                                "the same within a caption",
                                grid.withinScenes(Correlation::spearman, PixelStatistics::meanBrightness)),
                        Figure.atLeast("caption still right", grid.captionsRight(), 0.85)),
                grid.shown("scale"));
    }
}
