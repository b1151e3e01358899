package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import io.stencil.lab.world.Scene;
import io.stencil.lab.world.Style;
import io.stencil.lab.world.StyleScore;
import java.util.ArrayList;
import java.util.List;

/// A Template without inputs: with it every picture has a white frame, without it none has.
public record FrameMeasure() implements Measure {

    private static final String TEMPLATE = "frame";

    /// How much brighter than the rest a frame is, at the least; in the world it is by 0.1 to 0.8.
    private static final double CLEAR = 0.08;

    private static final int SHOWN = 4;

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
        List<Scene> scenes = HeldOut.captioned(effort, effort.of(40, 4));
        int with = 0;
        int without = 0;
        List<PictureRow.Captioned> shown = new ArrayList<>();
        for (int i = 0; i < scenes.size(); i++) {
            String caption = scenes.get(i).caption();
            RgbImage plain = painter.paint(caption, HeldOut.noise(effort, i), List.of());
            RgbImage framed = painter.paint(caption, HeldOut.noise(effort, i), List.of(Steering.of(TEMPLATE)));
            without += isFramed(plain) ? 1 : 0;
            with += isFramed(framed) ? 1 : 0;
            if (i < SHOWN) {
                shown.add(new PictureRow.Captioned("without", plain));
                shown.add(new PictureRow.Captioned("with", framed));
            }
        }
        return new Outcome(
                List.of(
                        Figure.atLeast("framed with the Template", with / (double) scenes.size(), 0.95),
                        Figure.atMost("framed without it", without / (double) scenes.size(), 0.05)),
                List.of(new PictureRow("a style without inputs", shown)));
    }

    private static boolean isFramed(RgbImage picture) {
        return StyleScore.of(Style.FRAME, picture) > CLEAR;
    }
}
