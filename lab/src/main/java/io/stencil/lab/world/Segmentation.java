package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import java.util.BitSet;
import java.util.Optional;

/// Parts a picture in shape and background.
///
/// @param coverage of each pixel by the shape, 0 to 1
/// @param colour the shape's, where the background's light has its mean
record Segmentation(Plane coverage, Chromaticity colour) {

    /// The least share of the picture that is taken for a shape.
    private static final double LEAST_AREA = 0.008;

    /// How much clearer a shape must stand out than the background's texture does.
    private static final double LEAST_CONTRAST = 3;

    /// Blur against noise, in 64ths of a side, of what the sure part is told from.
    private static final double CALM = 0.8;

    /// Pixels, in 64ths of a side, beyond the sure part of a shape that its soft edge may reach.
    private static final double EDGE = 2;

    /// Finds the one shape of a picture, or nothing.
    static Optional<Segmentation> of(Canvas picture, Canvas background) {
        ImageSize size = picture.size();
        Canvas calm = picture.blurred(CALM * size.width() / 64);
        Plane contrast = Plane.of(size, (x, y) -> BackgroundFit.distance(calm, background, x, y));
        double threshold = Threshold.otsu(contrast.values());
        BitSet sure = Component.largest(size, at -> contrast.values()[at] > threshold);
        if (sure.cardinality() < LEAST_AREA * size.width() * size.height() || !standsOut(contrast, sure)) {
            return Optional.empty();
        }
        int edge = (int) Math.ceil(EDGE * size.width() / 64);
        BitSet near = Component.grown(size, sure, edge);
        double[] ratio = ratios(picture, background, contrast, sure);
        Plane coverage = Plane.of(
                size, (x, y) -> near.get(y * size.width() + x) ? covered(picture, background, ratio, x, y) : 0);
        return Optional.of(new Segmentation(coverage, colour(background, ratio)));
    }

    private static boolean standsOut(Plane contrast, BitSet sure) {
        double inside =
                sure.stream().mapToDouble(at -> contrast.values()[at]).average().orElse(0);
        double outside = 0;
        for (int at = sure.nextClearBit(0); at < contrast.values().length; at = sure.nextClearBit(at + 1)) {
            outside += contrast.values()[at];
        }
        return inside > LEAST_CONTRAST * outside / (contrast.values().length - sure.cardinality());
    }

    /// The colour of the shape's core, for each channel over the background's: light cancels out.
    private static double[] ratios(Canvas picture, Canvas background, Plane contrast, BitSet sure) {
        double[] core =
                sure.stream().mapToDouble(at -> contrast.values()[at]).sorted().toArray();
        double clear = core[core.length / 2] * 0.85;
        double[] ratio = new double[RgbImage.CHANNELS];
        for (int channel = 0; channel < ratio.length; channel++) {
            float[] shown = picture.channels().get(channel).values();
            float[] behind = background.channels().get(channel).values();
            double[] sorted = sure.stream()
                    .filter(at -> contrast.values()[at] >= clear)
                    .mapToDouble(at -> shown[at] / Math.max(behind[at], 1 / 255.0))
                    .sorted()
                    .toArray();
            ratio[channel] = sorted[sorted.length / 2];
        }
        return ratio;
    }

    /// Where a pixel's colour lies on the way from the background's to the shape's.
    private static double covered(Canvas picture, Canvas background, double[] ratio, int x, int y) {
        double along = 0;
        double whole = 0;
        for (int channel = 0; channel < ratio.length; channel++) {
            double behind = background.channels().get(channel).at(x, y);
            double way = Math.max(behind, 1 / 255.0) * ratio[channel] - behind;
            along += way * (picture.channels().get(channel).at(x, y) - behind);
            whole += way * way;
        }
        return whole == 0 ? 0 : Math.clamp(along / whole, 0, 1);
    }

    private static Chromaticity colour(Canvas background, double[] ratio) {
        return Chromaticity.of(
                ratio[0] * background.channels().get(0).mean(),
                ratio[1] * background.channels().get(1).mean(),
                ratio[2] * background.channels().get(2).mean());
    }
}
