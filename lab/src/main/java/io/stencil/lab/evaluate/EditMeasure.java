package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import io.stencil.lab.world.Canvas;
import io.stencil.lab.world.Description;
import io.stencil.lab.world.Draws;
import io.stencil.lab.world.Edit;
import io.stencil.lab.world.Judge;
import io.stencil.lab.world.Likeness;
import io.stencil.lab.world.Outline;
import io.stencil.lab.world.Plane;
import io.stencil.lab.world.Renderer;
import io.stencil.lab.world.Scenes;
import io.stencil.lab.world.Verdict;
import java.util.ArrayList;
import java.util.List;

/// "make it red" against the colours of the picture, and the part that was not to change against the one before.
public record EditMeasure() implements Measure {

    private static final String TEMPLATE = "edit";
    private static final int SHOWN = 4;

    /// What the edge of a shape takes of its surroundings, in pixels of 64.
    private static final double EDGE = 1.5;

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
        return 1.4;
    }

    @Override
    public Outcome run(Painter painter, Effort effort) {
        int count = effort.of(60, 4);
        int asked = 0;
        int unasked = 0;
        List<Double> differences = new ArrayList<>(); // of those edits that leave something
        double overlap = 0;
        List<PictureRow.Captioned> shown = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Draws draws = new Draws(effort.seed(), i);
            Edit edit = Edit.any(Scenes.full(draws), draws);
            RgbImage before = Renderer.paint(edit.before(), HeldOut.SIZE);
            Steering steering = Steering.of(TEMPLATE);
            steering.fields().put("image", painter.keep(before)).put("prompt", edit.instruction());
            RgbImage after = painter.paint(edit.instruction(), HeldOut.noise(effort, i), List.of(steering));
            Verdict seen = Judge.look(after);
            Description wanted = edit.after().described();
            boolean recoloured = wanted.colour() != edit.before().described().colour();
            boolean colour = seen.shape() != null && seen.shape().colour() == wanted.colour();
            boolean background = seen.background() == wanted.background();
            asked += (recoloured ? colour : background) ? 1 : 0;
            unasked += (recoloured ? background : colour) ? 1 : 0;
            overlap += ControlMeasure.overlap(edit.after(), after);
            double difference = Likeness.differenceOutside(changed(edit, recoloured), before, after);
            if (!Double.isNaN(difference)) { // of a thin ring whose background changes, all is edge
                differences.add(difference);
            }
            if (i < SHOWN) {
                shown.add(new PictureRow.Captioned("before", before));
                shown.add(new PictureRow.Captioned(edit.instruction(), after));
            }
        }
        return new Outcome(
                List.of(
                        Figure.atLeast("what was asked for is right", asked / (double) count, 0.8),
                        Figure.atLeast("the other colour stays", unasked / (double) count, 0.8),
                        Figure.atMost("mean difference of the rest, 0 to 1", mean(differences), 0.06),
                        Figure.told("share of the edits that leave a rest", differences.size() / (double) count),
                        Figure.told("overlap (IoU) with the shape before", overlap / count)),
                List.of(new PictureRow("edits", shown)));
    }

    private static double mean(List<Double> differences) {
        return differences.stream()
                .mapToDouble(difference -> difference)
                .average()
                .orElse(Double.NaN);
    }

    /// White where the picture is to change: the shape with its edge, or all but the shape.
    private static RgbImage changed(Edit edit, boolean shape) {
        Plane coverage =
                Outline.coverage(edit.after().described().figure(), edit.after().placement(), HeldOut.SIZE);
        Plane soft = coverage.blurred(EDGE);
        Plane mask = Plane.of(HeldOut.SIZE, (x, y) -> (shape ? soft.at(x, y) > 0.02 : soft.at(x, y) < 0.98) ? 1 : 0);
        return Canvas.of(_ -> mask).toImage();
    }
}
