package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import io.stencil.lab.world.Draws;
import io.stencil.lab.world.InpaintScene;
import io.stencil.lab.world.Judge;
import io.stencil.lab.world.Likeness;
import io.stencil.lab.world.Verdict;
import java.util.ArrayList;
import java.util.List;

/// A part of a picture made anew: the rest against the one before, the part against the prompt.
public record InpaintMeasure() implements Measure {

    static final String TEMPLATE = "inpaint";
    private static final int SHOWN = 3;

    /// The Template lays what it was given over what it keeps.
    static final double UNCHANGED = 0;

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
        int count = effort.of(40, 3);
        double outside = 0;
        double inside = 0;
        int colour = 0;
        int figure = 0;
        List<PictureRow.Captioned> shown = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            InpaintScene scene = InpaintScene.of(new Draws(effort.seed(), i), HeldOut.SIZE);
            RgbImage picture = painter.paint(
                    scene.wanted().caption(), HeldOut.noise(effort, i), List.of(steering(painter, scene)));
            outside += Likeness.differenceOutside(scene.mask(), scene.source(), picture);
            inside += Likeness.differenceInside(scene.mask(), scene.target(), picture);
            Verdict.Shape seen = Judge.look(picture).shape();
            colour +=
                    seen != null && seen.colour() == scene.wanted().described().colour() ? 1 : 0;
            figure +=
                    seen != null && seen.figure() == scene.wanted().described().figure() ? 1 : 0;
            if (i < SHOWN) {
                shown.add(new PictureRow.Captioned("before", scene.source()));
                shown.add(new PictureRow.Captioned("mask", scene.mask()));
                shown.add(new PictureRow.Captioned(scene.wanted().caption(), picture));
            }
        }
        return new Outcome(
                List.of(
                        Figure.atMost("mean difference outside the mask, 0 to 1", outside / count, UNCHANGED),
                        Figure.atLeast("colour inside right", colour / (double) count, 0.8),
                        Figure.told("shape inside right", figure / (double) count),
                        Figure.told("mean difference from the world's own picture inside", inside / count)),
                List.of(new PictureRow("a part made anew", shown)));
    }

    static Steering steering(Painter painter, InpaintScene scene) {
        Steering steering = Steering.of(TEMPLATE);
        steering.fields()
                .put("image", painter.keep(scene.source()))
                .put("mask", painter.keep(scene.mask()))
                .put("force_inpaint", true);
        return steering;
    }
}
