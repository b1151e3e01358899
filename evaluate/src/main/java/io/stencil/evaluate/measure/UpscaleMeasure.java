package io.stencil.evaluate.measure;

import io.stencil.evaluate.Effort;
import io.stencil.evaluate.Figure;
import io.stencil.evaluate.Measure;
import io.stencil.evaluate.Painter;
import io.stencil.evaluate.PictureRow;
import io.stencil.evaluate.Steering;
import io.stencil.image.RgbImage;
import io.stencil.world.dataset.Reduction;
import io.stencil.world.judge.Likeness;
import io.stencil.world.render.Renderer;
import io.stencil.world.scene.Scene;
import java.util.ArrayList;
import java.util.List;

/// Pictures that have lost their detail: how near to the original they come, against resizing alone.
public record UpscaleMeasure() implements Measure {

    private static final String TEMPLATE = "upscale";
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
        List<Scene> scenes = HeldOut.captioned(effort, effort.of(40, 3));
        double resized = 0;
        double made = 0;
        List<PictureRow.Captioned> shown = new ArrayList<>();
        for (int i = 0; i < scenes.size(); i++) {
            Scene scene = scenes.get(i);
            RgbImage original = Renderer.paint(scene, HeldOut.SIZE);
            RgbImage poor = Reduction.of(original);
            Steering steering = Steering.of(TEMPLATE);
            steering.fields().put("image", painter.keep(poor)).put("prompt", scene.caption());
            RgbImage picture = painter.paint(scene.caption(), HeldOut.noise(effort, i), List.of(steering));
            resized += Likeness.psnr(original, poor);
            made += Likeness.psnr(original, picture);
            if (i < SHOWN) {
                shown.add(new PictureRow.Captioned("original", original));
                shown.add(new PictureRow.Captioned("resized", poor));
                shown.add(new PictureRow.Captioned("upscaled", picture));
            }
        }
        int count = scenes.size();
        return new Outcome(
                List.of(
                        Figure.above("gain over the input resized, in dB PSNR", (made - resized) / count, 0),
                        Figure.told("PSNR of the input resized, in dB", resized / count),
                        Figure.told("PSNR of the picture made, in dB", made / count)),
                List.of(new PictureRow("detail", shown)));
    }
}
