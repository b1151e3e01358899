package io.stencil.lab.evaluate;

import io.stencil.lab.world.Correlation;
import io.stencil.lab.world.Scene;
import io.stencil.lab.world.Style;
import io.stencil.lab.world.StyleBank;
import io.stencil.lab.world.StyleScore;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// A bank of LoRAs: the score of each style against its scale.
public record StylesMeasure() implements Measure {

    private static final String TEMPLATE = "styles";
    private static final int SCALES = 5;

    @Override
    public String name() {
        return TEMPLATE;
    }

    @Override
    public List<String> templates() {
        return List.of(TEMPLATE);
    }

    @Override
    public Outcome run(Painter painter, Effort effort) {
        List<Scene> scenes = HeldOut.captioned(effort, effort.of(10, 2));
        List<Figure> figures = new ArrayList<>();
        List<PictureRow> rows = new ArrayList<>();
        for (int id = 0; id < StyleBank.STYLES.size(); id++) {
            int style = id;
            Style asked = StyleBank.STYLES.get(id);
            String label = asked.name().toLowerCase(Locale.ROOT);
            Grid grid = Grid.paint(painter, effort, scenes, Grid.zeroToOne(SCALES), scale -> steering(style, scale));
            figures.add(Figure.atLeast(
                    "Spearman of scale and score of " + label + ", within a caption",
                    grid.withinScenes(Correlation::spearman, picture -> StyleScore.of(asked, picture)),
                    0.9));
            rows.add(grid.shown(label).getFirst());
        }
        return new Outcome(figures, rows);
    }

    private static Steering steering(int id, double scale) {
        Steering steering = Steering.of(TEMPLATE);
        steering.fields().putArray("lora_ids").add(id);
        steering.fields().putArray("lora_scales").add(scale);
        steering.fields().put("merge_type", StyleBank.MERGE);
        return steering;
    }
}
