package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import io.stencil.lab.world.Likeness;
import io.stencil.lab.world.Reduction;
import io.stencil.lab.world.Renderer;
import io.stencil.lab.world.Scene;
import java.util.ArrayList;
import java.util.List;

/// Pictures that have lost their detail: how near to the original they come, against resizing alone. The making begins
/// at the picture resized, with a little noise on it, as upscalers are used. The Template has to gain over what that
/// alone does; what it does from noise alone is told.
public record UpscaleMeasure() implements Measure {

    private static final String TEMPLATE = "upscale";
    private static final double STRENGTH = 0.1;
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
        return 1;
    }

    @Override
    public Outcome run(Painter painter, Effort effort) {
        List<Scene> scenes = HeldOut.captioned(effort, effort.of(40, 3));
        Sums sums = new Sums();
        List<PictureRow.Captioned> shown = new ArrayList<>();
        for (int i = 0; i < scenes.size(); i++) {
            Scene scene = scenes.get(i);
            long noise = HeldOut.noise(effort, i);
            RgbImage original = Renderer.paint(scene, HeldOut.SIZE);
            RgbImage poor = Reduction.of(original);
            Steering steering = Steering.of(TEMPLATE);
            steering.fields().put("image", painter.keep(poor)).put("prompt", scene.caption());
            RgbImage made = painter.paintOver(poor, STRENGTH, scene.caption(), noise, List.of(steering));
            sums.resized += Likeness.psnr(original, poor);
            sums.made += Likeness.psnr(original, made);
            sums.without +=
                    Likeness.psnr(original, painter.paintOver(poor, STRENGTH, scene.caption(), noise, List.of()));
            sums.fromNoise += Likeness.psnr(original, painter.paint(scene.caption(), noise, List.of(steering)));
            if (i < SHOWN) {
                shown.add(new PictureRow.Captioned("original", original));
                shown.add(new PictureRow.Captioned("resized", poor));
                shown.add(new PictureRow.Captioned("upscaled", made));
            }
        }
        return new Outcome(sums.figures(scenes.size()), List.of(new PictureRow("detail", shown)));
    }

    /// PSNR against the originals, summed over the scenes.
    private static final class Sums {
        private double resized;
        private double made;
        private double without;
        private double fromNoise;

        List<Figure> figures(int count) {
            return List.of(
                    Figure.above("gain over the input resized, in dB PSNR", (made - resized) / count, 0),
                    Figure.above("gain over the same without the Template, in dB PSNR", (made - without) / count, 0),
                    Figure.told("PSNR of the input resized, in dB", resized / count),
                    Figure.told("PSNR of the picture made, in dB", made / count),
                    Figure.told("PSNR from noise alone, in dB", fromNoise / count));
        }
    }
}
