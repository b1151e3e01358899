package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import io.stencil.lab.world.DepthMap;
import io.stencil.lab.world.Judge;
import io.stencil.lab.world.Likeness;
import io.stencil.lab.world.Outline;
import io.stencil.lab.world.Plane;
import io.stencil.lab.world.Scene;
import io.stencil.lab.world.Scenes;
import java.util.ArrayList;
import java.util.List;

/// A map of depth against the shape that the picture shows. Captions leave its size and place open.
public record ControlMeasure() implements Measure {

    static final String TEMPLATE = "control";
    private static final int SHOWN = 3;

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
        List<Scene> scenes = HeldOut.scenes(effort, effort.of(40, 3), Scenes::open);
        double with = 0;
        double without = 0;
        int right = 0;
        List<PictureRow.Captioned> shown = new ArrayList<>();
        for (int i = 0; i < scenes.size(); i++) {
            Scene scene = scenes.get(i);
            RgbImage depth = DepthMap.of(scene, HeldOut.SIZE);
            RgbImage free = painter.paint(scene.caption(), HeldOut.noise(effort, i), List.of());
            RgbImage held =
                    painter.paint(scene.caption(), HeldOut.noise(effort, i), List.of(steering(painter, scene, depth)));
            without += overlap(scene, free);
            with += overlap(scene, held);
            right += HeldOut.isRight(scene.described(), held) ? 1 : 0;
            if (i < SHOWN) {
                shown.add(new PictureRow.Captioned("map", depth));
                shown.add(new PictureRow.Captioned("without", free));
                shown.add(new PictureRow.Captioned("with", held));
            }
        }
        return new Outcome(
                List.of(
                        Figure.atLeast("overlap (IoU) with the wanted shape", with / scenes.size(), 0.75),
                        Figure.below("overlap without the Template", without / scenes.size(), 0.4),
                        Figure.told("caption right", right / (double) scenes.size())),
                List.of(new PictureRow("structure from a map of depth", shown)));
    }

    static Steering steering(Painter painter, Scene scene, RgbImage depth) {
        Steering steering = Steering.of(TEMPLATE);
        steering.fields().put("image", painter.keep(depth)).put("prompt", scene.caption());
        return steering;
    }

    static double overlap(Scene scene, RgbImage picture) {
        Plane wanted = Outline.coverage(scene.described().figure(), scene.placement(), HeldOut.SIZE);
        return Likeness.overlap(wanted, Judge.coverage(picture));
    }
}
