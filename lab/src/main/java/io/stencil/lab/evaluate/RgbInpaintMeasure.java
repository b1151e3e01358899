package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import io.stencil.lab.world.Correlation;
import io.stencil.lab.world.Draws;
import io.stencil.lab.world.InpaintScene;
import io.stencil.lab.world.Likeness;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// SoftRGB and Inpaint at once: the rest stays, and the part that is made anew has the tint. How strong the tint comes
/// out where it must fit to the rest is not asked, only that it follows the inputs.
public record RgbInpaintMeasure() implements Measure {

    private static final List<String> CHANNELS = List.of("R", "G", "B");
    private static final double[] LEVELS = {0, 0.5, 1};
    private static final int WHITE_FROM = 128;
    private static final int SHOWN = 3;

    @Override
    public String name() {
        return "soft-rgb+inpaint";
    }

    @Override
    public List<String> templates() {
        return List.of(SoftRgbMeasure.TEMPLATE, InpaintMeasure.TEMPLATE);
    }

    @Override
    public Outcome run(Painter painter, Effort effort) {
        int count = effort.of(16, 2);
        double outside = 0;
        double[] correlation = new double[CHANNELS.size()];
        List<PictureRow.Captioned> shown = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            InpaintScene scene = InpaintScene.of(new Draws(effort.seed(), i), HeldOut.SIZE);
            for (int channel = 0; channel < CHANNELS.size(); channel++) {
                double[] found = new double[LEVELS.length];
                for (int level = 0; level < LEVELS.length; level++) {
                    RgbImage picture = painter.paint(
                            scene.wanted().caption(),
                            HeldOut.noise(effort, i),
                            List.of(tint(channel, LEVELS[level]), InpaintMeasure.steering(painter, scene)));
                    found[level] = inside(scene.mask(), picture, channel);
                    outside += Likeness.differenceOutside(scene.mask(), scene.source(), picture);
                    if (i < SHOWN && level == LEVELS.length - 1) {
                        shown.add(new PictureRow.Captioned("much " + CHANNELS.get(channel), picture));
                    }
                }
                correlation[channel] += Correlation.spearman(LEVELS, found) / count;
            }
        }
        List<Figure> figures = new ArrayList<>();
        for (int channel = 0; channel < CHANNELS.size(); channel++) {
            figures.add(Figure.atLeast(
                    "Spearman of %s and its channel inside the mask".formatted(CHANNELS.get(channel)),
                    correlation[channel],
                    0.9));
        }
        figures.add(Figure.atMost(
                "mean difference outside the mask, 0 to 1",
                outside / (count * CHANNELS.size() * LEVELS.length),
                InpaintMeasure.UNCHANGED));
        return new Outcome(figures, List.of(new PictureRow("tint inside the mask", shown)));
    }

    /// One channel at a level, the others at the middle.
    private static Steering tint(int channel, double level) {
        Map<String, Double> inputs = new LinkedHashMap<>();
        for (int i = 0; i < CHANNELS.size(); i++) {
            inputs.put(CHANNELS.get(i), i == channel ? 0.25 + 0.5 * level : 0.5);
        }
        return Steering.of(SoftRgbMeasure.TEMPLATE, inputs);
    }

    private static double inside(RgbImage mask, RgbImage picture, int channel) {
        double sum = 0;
        int count = 0;
        for (int y = 0; y < picture.height(); y++) {
            for (int x = 0; x < picture.width(); x++) {
                if (mask.sample(x, y, 0) >= WHITE_FROM) {
                    sum += picture.sample(x, y, channel) / 255.0;
                    count++;
                }
            }
        }
        return sum / count;
    }
}
