package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import io.stencil.lab.world.Correlation;
import io.stencil.lab.world.Draws;
import io.stencil.lab.world.Light;
import io.stencil.lab.world.PixelStatistics;
import io.stencil.lab.world.Renderer;
import io.stencil.lab.world.Scene;
import io.stencil.lab.world.ToneRange;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// `{R, G, B}` against the means of the picture's channels. What is asked for is what the scene has under some strong
/// tint, for no light makes a red shape on pink blue. Captions alone tell some of that, so the same is told without the
/// Template.
public record SoftRgbMeasure() implements Measure {

    static final String TEMPLATE = "soft-rgb";
    private static final List<String> CHANNELS = List.of("R", "G", "B");
    private static final double LEAST = 0.9;
    private static final int SHOWN = 6;

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
        List<Scene> scenes = HeldOut.captioned(effort, effort.of(60, 8));
        double[][] asked = new double[CHANNELS.size()][scenes.size()];
        double[][] found = new double[CHANNELS.size()][scenes.size()];
        double[][] unsteered = new double[CHANNELS.size()][scenes.size()];
        List<PictureRow.Captioned> shown = new ArrayList<>();
        for (int i = 0; i < scenes.size(); i++) {
            Map<String, Double> inputs = tinted(scenes.get(i), new Draws(effort.seed() + 1, i));
            String caption = scenes.get(i).caption();
            long noise = HeldOut.noise(effort, i);
            RgbImage picture = painter.paint(caption, noise, List.of(Steering.of(TEMPLATE, inputs)));
            RgbImage without = painter.paint(caption, noise, List.of());
            for (int channel = 0; channel < CHANNELS.size(); channel++) {
                asked[channel][i] = inputs.getOrDefault(CHANNELS.get(channel), Double.NaN);
                found[channel][i] = PixelStatistics.channelMean(picture, channel);
                unsteered[channel][i] = PixelStatistics.channelMean(without, channel);
            }
            if (i < SHOWN) {
                shown.add(new PictureRow.Captioned(
                        String.format(Locale.ROOT, "R %.2f G %.2f B %.2f", asked[0][i], asked[1][i], asked[2][i]),
                        picture));
            }
        }
        List<Figure> figures = new ArrayList<>();
        for (int channel = 0; channel < CHANNELS.size(); channel++) {
            figures.add(Figure.atLeast(
                    "correlation of %s and its channel".formatted(CHANNELS.get(channel)),
                    Correlation.pearson(asked[channel], found[channel]),
                    LEAST));
        }
        for (int channel = 0; channel < CHANNELS.size(); channel++) {
            figures.add(Figure.told(
                    "the same of %s without the Template".formatted(CHANNELS.get(channel)),
                    Correlation.pearson(asked[channel], unsteered[channel])));
        }
        return new Outcome(figures, List.of(new PictureRow("channels", shown)));
    }

    /// Inputs that the scene can fulfil.
    static Map<String, Double> tinted(Scene scene, Draws draws) {
        RgbImage wanted = Renderer.paint(scene.with(scene.light().tinted(Light.strongTint(draws))), HeldOut.SIZE);
        Map<String, Double> inputs = new LinkedHashMap<>();
        for (int channel = 0; channel < CHANNELS.size(); channel++) {
            inputs.put(CHANNELS.get(channel), ToneRange.CHANNEL.scale(PixelStatistics.channelMean(wanted, channel)));
        }
        return inputs;
    }
}
