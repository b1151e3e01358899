package io.stencil.lab.evaluate;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.image.RgbImage;
import io.stencil.lab.evaluate.Measure.Effort;
import io.stencil.lab.world.Canvas;
import io.stencil.lab.world.Draws;
import io.stencil.lab.world.Focus;
import io.stencil.lab.world.Light;
import io.stencil.lab.world.Renderer;
import io.stencil.lab.world.Scene;
import io.stencil.lab.world.Statistics;
import io.stencil.lab.world.Style;
import io.stencil.lab.world.Surface;
import java.util.ArrayList;
import java.util.List;

/// What an ideal base model with ideal Templates would paint: the world itself, which knows the scene by its noise.
final class PerfectPainter implements Painter {

    private final Effort effort;
    private final String measure;
    private final List<RgbImage> kept = new ArrayList<>();

    PerfectPainter(Effort effort, String measure) {
        this.effort = effort;
        this.measure = measure;
    }

    @Override
    public String keep(RgbImage image) {
        kept.add(image);
        return Integer.toString(kept.size() - 1);
    }

    @Override
    public RgbImage paint(String prompt, long seed, List<Steering> steering) {
        int index = Math.toIntExact(seed - HeldOut.noise(effort, 0));
        Draws draws = new Draws(effort.seed(), index);
        return switch (measure) {
            case "sharpness" -> sharpness(Scene.captioned(draws), steering.isEmpty() ? 1 : value(steering, 0, "scale"));
            case "count" -> count(draws, steering.getFirst().fields().get("n").intValue());
            case "frame" -> frame(Scene.captioned(draws), steering.isEmpty() ? 0 : 1);
            case "control" -> control(draws, steering);
            case "edit" ->
                Renderer.paint(Scene.Edit.any(Scene.full(draws), draws).after(), HeldOut.SIZE);
            case "inpaint" -> Scene.Inpaint.of(draws, HeldOut.SIZE).target();
            case "styles" -> style(Scene.captioned(draws), steering.getFirst().fields());
            case "palette" -> palette(Scene.captioned(draws), steering);
            case "brightness+control" -> bright(Scene.open(draws), value(steering, 0, "scale"));
            case "brightness" -> bright(Scene.captioned(draws), value(steering, 0, "scale"));
            case "soft-rgb" ->
                steering.isEmpty()
                        ? Renderer.paint(Scene.captioned(draws), HeldOut.SIZE)
                        : tinted(Scene.captioned(draws), steering.getFirst());
            case "soft-rgb+inpaint" -> tintedInside(Scene.Inpaint.of(draws, HeldOut.SIZE), steering.getFirst());
            default -> Renderer.paint(Scene.captioned(draws), HeldOut.SIZE);
        };
    }

    /// Without a Template nothing is added to what is there.
    @Override
    public RgbImage paintOver(RgbImage image, double strength, String prompt, long seed, List<Steering> steering) {
        return steering.isEmpty() ? image : paint(prompt, seed, steering);
    }

    private static double value(List<Steering> steering, int at, String field) {
        return steering.get(at).fields().get(field).doubleValue();
    }

    private static RgbImage bright(Scene scene, double scale) {
        Surface surface = Surface.of(scene, HeldOut.SIZE);
        double least = 0.05;
        double most = 6;
        RgbImage image = surface.lit(scene.light()).toImage();
        for (int i = 0; i < 12; i++) {
            double middle = Math.sqrt(least * most);
            image = surface.lit(scene.light().withBrightness(middle)).toImage();
            if (Statistics.meanBrightness(image) < Statistics.ToneRange.BRIGHTNESS.mean(scale)) {
                least = middle;
            } else {
                most = middle;
            }
        }
        return image;
    }

    private static RgbImage sharpness(Scene scene, double scale) {
        return Focus.of(Surface.of(scene, HeldOut.SIZE).lit(scene.light()), scale);
    }

    private static RgbImage count(Draws draws, int count) {
        Scene scene = Scene.aboveBottom(draws);
        return Surface.Dots.on(Surface.of(scene, HeldOut.SIZE), count)
                .lit(scene.light())
                .toImage();
    }

    private static RgbImage frame(Scene scene, double strength) {
        Canvas image = Surface.of(scene, HeldOut.SIZE).lit(scene.light());
        return Style.FRAME.apply(image, strength).toImage();
    }

    /// Without the Template: the shape of another scene.
    private RgbImage control(Draws draws, List<Steering> steering) {
        Scene wanted = Scene.open(draws);
        Scene other = Scene.open(new Draws(effort.seed() + 5, wanted.texture()));
        return Renderer.paint(steering.isEmpty() ? other : wanted, HeldOut.SIZE);
    }

    private static RgbImage style(Scene scene, JsonNode fields) {
        Canvas image = Surface.of(scene, HeldOut.SIZE).lit(scene.light());
        return Style.BANK
                .get(fields.get("lora_ids").get(0).intValue())
                .apply(image, fields.get("lora_scales").get(0).doubleValue())
                .toImage();
    }

    /// Light of the colour that the reference has against a grey wall.
    private RgbImage palette(Scene scene, List<Steering> steering) {
        RgbImage reference = kept.get(
                Integer.parseInt(steering.getFirst().fields().get("image").textValue()));
        double red = Statistics.channelMean(reference, 0);
        double green = Statistics.channelMean(reference, 1);
        double blue = Statistics.channelMean(reference, 2);
        Light.Albedo tint = new Light.Albedo(red / green, 1, blue / green);
        return Renderer.paint(scene.with(scene.light().tinted(tint)), HeldOut.SIZE);
    }

    /// The light under which the channels come nearest to the inputs.
    private static RgbImage tinted(Scene scene, Steering steering) {
        double[] factors = {1, 1, 1};
        RgbImage image = Renderer.paint(scene, HeldOut.SIZE);
        for (int round = 0; round < 20; round++) {
            for (int channel = 0; channel < 3; channel++) {
                double wanted = Statistics.ToneRange.CHANNEL.mean(steering.fields()
                        .get(List.of("R", "G", "B").get(channel))
                        .doubleValue());
                factors[channel] *= Math.sqrt(wanted / Statistics.channelMean(image, channel));
            }
            Light light = scene.light().tinted(new Light.Albedo(factors[0], factors[1], factors[2]));
            image = Renderer.paint(scene.with(light), HeldOut.SIZE);
        }
        return image;
    }

    private static RgbImage tintedInside(Scene.Inpaint scene, Steering steering) {
        RgbImage inside = tinted(scene.wanted(), steering);
        byte[] rgb = scene.target().rgb().clone();
        for (int at = 0; at < rgb.length; at++) {
            if ((scene.mask().rgb()[at] & 0xFF) > 127) {
                rgb[at] = inside.rgb()[at];
            }
        }
        return RgbImage.of(HeldOut.SIZE.width(), HeldOut.SIZE.height(), rgb);
    }
}
