package io.stencil.lab.world;

import java.util.Arrays;

/// The value that splits numbers best into two groups, by N. Otsu (1979): the variance between the groups is largest.
final class Threshold {

    private Threshold() {}

    static double otsu(float[] values) {
        float[] sorted = values.clone();
        Arrays.sort(sorted);
        double total = 0;
        for (float value : sorted) {
            total += value;
        }
        double below = 0;
        double best = -1;
        double threshold = sorted[0];
        for (int count = 1; count < sorted.length; count++) {
            below += sorted[count - 1];
            double gap = below / count - (total - below) / (sorted.length - count);
            double variance = (double) count * (sorted.length - count) * gap * gap;
            if (variance > best) {
                best = variance;
                threshold = (sorted[count - 1] + sorted[count]) / 2.0;
            }
        }
        return threshold;
    }
}
