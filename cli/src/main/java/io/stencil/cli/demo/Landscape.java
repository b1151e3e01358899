package io.stencil.cli.demo;

import io.stencil.image.RgbImage;
import io.stencil.world.render.ValueNoise;
import java.awt.Color;
import java.awt.GradientPaint;
import java.awt.Graphics2D;
import java.awt.RadialGradientPaint;
import java.awt.RenderingHints;
import java.awt.geom.Path2D;
import java.awt.geom.Point2D;
import java.awt.image.BufferedImage;
import java.util.SplittableRandom;

/// Paints a picture that looks like a photo of hills under a sky: the same for the same seed and exposure.
///
/// @param width in pixels
/// @param height in pixels
record Landscape(int width, int height) {

    private static final int RIDGES = 4;

    /// @param seed of sun, sky, hills and grain
    /// @param exposure in -1..1: from a night shot to an overexposed one
    RgbImage paint(long seed, double exposure) {
        SplittableRandom random = new SplittableRandom(seed);
        BufferedImage canvas = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = canvas.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        float warmth = (float) random.nextDouble();
        sky(graphics, random, warmth);
        ValueNoise noise = new ValueNoise(random.nextLong());
        clouds(canvas, noise);
        for (int ridge = 0; ridge < RIDGES; ridge++) {
            hills(graphics, noise, ridge, warmth);
        }
        graphics.dispose();
        return develop(canvas, noise, exposure);
    }

    private void sky(Graphics2D graphics, SplittableRandom random, float warmth) {
        Color zenith = blend(new Color(58, 110, 178), new Color(66, 62, 118), warmth);
        Color horizon = blend(new Color(196, 220, 238), new Color(250, 184, 122), warmth);
        graphics.setPaint(new GradientPaint(0, 0, zenith, 0, height * 0.7f, horizon));
        graphics.fillRect(0, 0, width, height);
        Point2D sun = new Point2D.Double(
                width * (0.15 + 0.7 * random.nextDouble()), height * (0.15 + 0.35 * random.nextDouble()));
        Color glow = blend(new Color(255, 250, 224), new Color(255, 214, 150), warmth);
        graphics.setPaint(new RadialGradientPaint(sun, height * 0.6f, new float[] {0, 0.09f, 0.12f, 1}, new Color[] {
            glow, glow, withAlpha(glow, 130), withAlpha(glow, 0)
        }));
        graphics.fillRect(0, 0, width, height);
    }

    private void clouds(BufferedImage canvas, ValueNoise noise) {
        for (int y = 0; y < height; y++) {
            double fade = Math.max(0, 1 - y / (height * 0.62));
            for (int x = 0; x < width; x++) {
                double density = noise.at(x * 3.2 / width, y * 7.5 / height, 5) - 0.52;
                if (density > 0) {
                    float cover = (float) Math.min(0.9, density * 4.5 * fade);
                    canvas.setRGB(
                            x,
                            y,
                            blend(new Color(canvas.getRGB(x, y)), Color.WHITE, cover)
                                    .getRGB());
                }
            }
        }
    }

    /// Ridges from far and hazy to near and dark.
    private void hills(Graphics2D graphics, ValueNoise noise, int ridge, float warmth) {
        double base = height * (0.52 + 0.13 * ridge);
        double relief = height * (0.26 - 0.035 * ridge);
        Path2D outline = new Path2D.Double();
        outline.moveTo(0, height);
        for (int x = 0; x <= width; x += 2) {
            double rise = noise.at(x * (2.0 + ridge) / width, 40.0 + 17 * ridge, 5) - 0.5;
            outline.lineTo(x, base - relief * rise);
        }
        outline.lineTo(width, height);
        outline.closePath();
        Color haze = blend(new Color(150, 172, 196), new Color(186, 140, 132), warmth);
        Color near = blend(new Color(44, 74, 38), new Color(62, 54, 36), warmth);
        Color top = blend(haze, near, ridge / (RIDGES - 1f));
        graphics.setPaint(new GradientPaint(
                0, (float) (base - relief / 2), top, 0, (float) (base + relief), blend(top, Color.BLACK, 0.35f)));
        graphics.fill(outline);
    }

    /// Ground texture, film grain, darker corners, and the exposure as a gamma curve.
    private RgbImage develop(BufferedImage canvas, ValueNoise noise, double exposure) {
        double gamma = Math.pow(2, -2 * exposure);
        byte[] rgb = new byte[width * height * RgbImage.CHANNELS];
        int at = 0;
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                double ground = Math.max(0, y / (double) height - 0.6) * 0.9;
                double texture = 1 + ground * (noise.at(x * 0.35, y * 0.9, 3) - 0.5);
                double grain = (noise.at(x * 0.9 + 500, y * 0.9, 2) - 0.5) * 0.05;
                double fromCentre = Math.hypot(x / (double) width - 0.5, y / (double) height - 0.5);
                double corners = 1 - 0.35 * fromCentre * fromCentre;
                int colour = canvas.getRGB(x, y);
                for (int shift = 16; shift >= 0; shift -= 8) {
                    double linear = (colour >> shift & 0xFF) / 255.0 * texture * corners + grain;
                    double developed = Math.pow(Math.clamp(linear, 0, 1), gamma);
                    rgb[at++] = (byte) Math.round(255 * developed);
                }
            }
        }
        return RgbImage.of(width, height, rgb);
    }

    private static Color blend(Color a, Color b, float t) {
        return new Color(
                Math.round(a.getRed() + (b.getRed() - a.getRed()) * t),
                Math.round(a.getGreen() + (b.getGreen() - a.getGreen()) * t),
                Math.round(a.getBlue() + (b.getBlue() - a.getBlue()) * t));
    }

    private static Color withAlpha(Color colour, int alpha) {
        return new Color(colour.getRed(), colour.getGreen(), colour.getBlue(), alpha);
    }
}
