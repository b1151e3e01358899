package io.stencil.lab.evaluate;

import io.stencil.lab.world.Correlation;
import io.stencil.lab.world.PixelStatistics;
import java.util.List;

/// `{scale}` against the energy of the picture's gradients. How much of that a scene has depends on its colours, so the
/// correlation is taken within a caption.
public record SharpnessMeasure() implements Measure {

    private static final String TEMPLATE = "sharpness";
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
        return 1;
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
                                "correlation of scale and gradient energy, within a caption",
                                grid.withinScenes(Correlation::pearson, PixelStatistics::gradientEnergy),
                                0.9),
                        Figure.told("Spearman of both, all pictures", grid.spearman(PixelStatistics::gradientEnergy)),
                        Figure.told("caption still right", grid.captionsRight())),
                grid.shown("scale"));
    }
}
