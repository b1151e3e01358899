package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import io.stencil.lab.world.Albedo;
import io.stencil.lab.world.Background;
import io.stencil.lab.world.Correlation;
import io.stencil.lab.world.Draws;
import io.stencil.lab.world.Light;
import io.stencil.lab.world.PixelStatistics;
import io.stencil.lab.world.Renderer;
import io.stencil.lab.world.Scene;
import io.stencil.lab.world.Scenes;
import java.util.ArrayList;
import java.util.List;

/// A reference picture under coloured light: how far the picture's colours move, from what they are with the same
/// reference under white light, against how far the light's did.
public record PaletteMeasure() implements Measure {

    private static final String TEMPLATE = "palette";
    private static final int SHOWN = 3;
    private static final double LEAST = 0.8;
    private static final Albedo WHITE = new Albedo(1, 1, 1);

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
        List<Scene> scenes = HeldOut.captioned(effort, effort.of(30, 4));
        double[][] light = new double[2][scenes.size()];
        double[][] moved = new double[2][scenes.size()];
        List<PictureRow.Captioned> shown = new ArrayList<>();
        for (int i = 0; i < scenes.size(); i++) {
            Draws draws = new Draws(effort.seed() + 1, i);
            Scene open = Scenes.open(draws);
            Scene other = open.with(open.described().withBackground(Background.GRAY));
            RgbImage tinted = reference(other, Light.strongTint(draws));
            RgbImage neutral = reference(other, WHITE);
            String caption = scenes.get(i).caption();
            RgbImage picture = painter.paint(caption, HeldOut.noise(effort, i), List.of(look(painter, tinted)));
            RgbImage plain = painter.paint(caption, HeldOut.noise(effort, i), List.of(look(painter, neutral)));
            for (int axis = 0; axis < 2; axis++) {
                light[axis][i] = balance(tinted, axis) - balance(neutral, axis);
                moved[axis][i] = balance(picture, axis) - balance(plain, axis);
            }
            if (i < SHOWN) {
                shown.add(new PictureRow.Captioned("reference", tinted));
                shown.add(new PictureRow.Captioned("neutral", plain));
                shown.add(new PictureRow.Captioned("steered", picture));
            }
        }
        return new Outcome(
                List.of(
                        Figure.atLeast(
                                "correlation with the reference's red over green",
                                Correlation.pearson(light[0], moved[0]),
                                LEAST),
                        Figure.atLeast(
                                "correlation with the reference's green over blue",
                                Correlation.pearson(light[1], moved[1]),
                                LEAST)),
                List.of(new PictureRow("light from a reference", shown)));
    }

    private static RgbImage reference(Scene scene, Albedo tint) {
        return Renderer.paint(scene.with(scene.light().tinted(tint)), HeldOut.SIZE);
    }

    private static Steering look(Painter painter, RgbImage reference) {
        Steering steering = Steering.of(TEMPLATE);
        steering.fields().put("image", painter.keep(reference));
        return steering;
    }

    /// The logarithm of one channel's mean over the next one's.
    private static double balance(RgbImage picture, int axis) {
        return Math.log(PixelStatistics.channelMean(picture, axis) / PixelStatistics.channelMean(picture, axis + 1));
    }
}
