package io.stencil.lab.world;

import io.stencil.error.InvalidRequestException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/// How two series go together, -1 to 1; NaN when one of them does not vary.
public final class Correlation {

    private Correlation() {}

    /// Of the values: 1 for a rising straight line.
    public static double pearson(double[] x, double[] y) {
        requirePairs(x, y);
        double meanX = Arrays.stream(x).average().orElseThrow();
        double meanY = Arrays.stream(y).average().orElseThrow();
        double xx = 0;
        double xy = 0;
        double yy = 0;
        for (int i = 0; i < x.length; i++) {
            xx += (x[i] - meanX) * (x[i] - meanX);
            xy += (x[i] - meanX) * (y[i] - meanY);
            yy += (y[i] - meanY) * (y[i] - meanY);
        }
        return xy / Math.sqrt(xx * yy);
    }

    /// Of the ranks: 1 when the larger x always has the larger y. Equal values share the mean of their ranks.
    public static double spearman(double[] x, double[] y) {
        return pearson(ranks(x), ranks(y));
    }

    private static double[] ranks(double[] values) {
        int[] order = IntStream.range(0, values.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> values[i]))
                .mapToInt(Integer::intValue)
                .toArray();
        double[] ranks = new double[values.length];
        int from = 0;
        while (from < order.length) {
            int to = from + 1;
            while (to < order.length && values[order[to]] == values[order[from]]) {
                to++;
            }
            for (int i = from; i < to; i++) {
                ranks[order[i]] = (from + to - 1) / 2.0;
            }
            from = to;
        }
        return ranks;
    }

    private static void requirePairs(double[] x, double[] y) {
        if (x.length != y.length || x.length < 2) {
            throw new InvalidRequestException(
                    "x, y", "%s and %s values are no pairs to compare".formatted(x.length, y.length));
        }
    }
}
