package io.stencil.image;

/// For each target position along one axis: the run of source positions it is made of, and their weights.
///
/// Weights are fixed-point numbers with [#PRECISION_BITS] bits behind the point, rounded from normalised doubles as
/// Pillow rounds them: with other rounding pictures differ by a grey level here and there.
final class AxisWeights {

    /// 32-bit sums of 8-bit samples, with two bits to spare for weights beyond 0..1.
    static final int PRECISION_BITS = 32 - 8 - 2;

    private final int[] first;
    private final int[] count;
    private final int[] weights;
    private final int stride;

    private AxisWeights(int targets, int stride) {
        this.first = new int[targets];
        this.count = new int[targets];
        this.weights = new int[Math.multiplyExact(targets, stride)];
        this.stride = stride;
    }

    /// Weights for targets `from` (inclusive) to `to` (exclusive) when `source` pixels become `target` pixels.
    static AxisWeights of(int source, long target, long from, int length, ResampleFilter filter) {
        double scale = (double) source / target;
        double widened = Math.max(scale, 1);
        double support = filter.support() * widened;
        AxisWeights axis = new AxisWeights(length, (int) Math.min(Math.ceil(support) * 2 + 1, source));
        double[] exact = new double[axis.stride];
        for (int i = 0; i < length; i++) {
            double centre = (from + i + 0.5) * scale;
            int first = Math.max((int) (centre - support + 0.5), 0);
            int count = Math.min((int) (centre + support + 0.5), source) - first;
            double sum = 0;
            for (int k = 0; k < count; k++) {
                exact[k] = filter.weight((k + first - centre + 0.5) / widened);
                sum += exact[k];
            }
            axis.first[i] = first;
            axis.count[i] = count;
            for (int k = 0; k < count; k++) {
                axis.weights[i * axis.stride + k] = fixedPoint(sum == 0 ? exact[k] : exact[k] / sum);
            }
        }
        return axis;
    }

    private static int fixedPoint(double weight) {
        return (int) (weight * (1 << PRECISION_BITS) + Math.copySign(0.5, weight));
    }

    /// First source position of target `i`.
    int first(int i) {
        return first[i];
    }

    /// How many source positions target `i` is made of.
    int count(int i) {
        return count[i];
    }

    /// All weights; those of target `i` begin at [#offset].
    int[] weights() {
        return weights;
    }

    int offset(int i) {
        return i * stride;
    }

    int targets() {
        return first.length;
    }

    /// The lowest source position that any target needs.
    int sourceFrom() {
        return first[0];
    }

    /// One past the highest source position that any target needs.
    int sourceTo() {
        int last = targets() - 1;
        return first[last] + count[last];
    }
}
