package io.stencil.lab.evaluate;

import io.stencil.lab.world.DepthMap;
import io.stencil.lab.world.PixelStatistics;
import io.stencil.lab.world.Scene;
import io.stencil.lab.world.Scenes;
import java.util.List;
import java.util.stream.IntStream;

/// Brightness and Control at once.
public record BrightControlMeasure() implements Measure {

    @Override
    public String name() {
        return "brightness+control";
    }

    @Override
    public List<String> templates() {
        return List.of(BrightnessMeasure.TEMPLATE, ControlMeasure.TEMPLATE);
    }

    @Override
    public Outcome run(Painter painter, Effort effort) {
        List<Scene> scenes = HeldOut.scenes(effort, effort.of(12, 2), Scenes::open);
        Grid grid = Grid.paint(painter, effort, scenes, Grid.zeroToOne(5), (i, scale) -> {
            Scene scene = scenes.get(i);
            return List.of(
                    Steering.of(BrightnessMeasure.TEMPLATE, "scale", scale),
                    ControlMeasure.steering(painter, scene, DepthMap.of(scene, HeldOut.SIZE)));
        });
        double overlap = IntStream.range(0, scenes.size())
                .mapToDouble(i -> grid.rows().get(i).stream()
                        .mapToDouble(picture -> ControlMeasure.overlap(scenes.get(i), picture))
                        .average()
                        .orElseThrow())
                .average()
                .orElseThrow();
        return new Outcome(
                List.of(
                        Figure.atLeast(
                                "Spearman of scale and brightness, all pictures",
                                grid.spearman(PixelStatistics::meanBrightness),
                                0.95),
                        Figure.atLeast("overlap (IoU) with the wanted shape", overlap, 0.75)),
                grid.shown("scale"));
    }
}
