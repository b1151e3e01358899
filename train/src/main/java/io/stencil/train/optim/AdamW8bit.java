package io.stencil.train.optim;

import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/// Updates parameters as [AdamW] does and keeps the moments in 8 bits between updates (Dettmers et al. 2021,
/// arXiv:2110.02861): a quarter of the memory.
///
/// Blocks of 256 numbers have a scale each, and a number is stored as the nearest of 256 values, which lie closer
/// together towards 0. Moments of parameters with fewer than 4096 elements keep the parameter's dtype.
public final class AdamW8bit extends Optimizer {

    /// The constants of the method, which are those of [AdamW].
    public record Settings(AdamW.Settings adam) implements Optimizer.Settings {

        static Settings of(double weightDecay, Arguments arguments) {
            return new Settings(AdamW.Settings.of(weightDecay, arguments));
        }

        @Override
        public double defaultLearningRate() {
            return adam.defaultLearningRate();
        }

        @Override
        public AdamW8bit create(Collection<Parameter> parameters) {
            return new AdamW8bit(parameters, adam);
        }
    }

    /// Elements of a parameter from which on its moments are in 8 bits.
    static final int SMALLEST = 4096;

    private static final String MEAN = AdamW.MEAN;
    private static final String SQUARE = AdamW.SQUARE;
    private static final String SCALE = "_scale";

    /// Blocks that are decoded at once: 4 MiB of float32.
    private static final long PIECE = 4096;

    private final AdamW.Settings settings;

    /// @param parameters trainable ones; they stay their modules'
    public AdamW8bit(Collection<Parameter> parameters, AdamW.Settings settings) {
        super(parameters, AdamW8bit::initialState);
        this.settings = settings;
    }

    private static Map<String, Tensor> initialState(Tensor weight) {
        if (weight.numel() < SMALLEST) {
            return AdamW.moments(weight);
        }
        Map<String, Tensor> state = new LinkedHashMap<>();
        put(state, MEAN, weight, DynamicType.SIGNED);
        put(state, SQUARE, weight, DynamicType.UNSIGNED);
        return state;
    }

    private static void put(Map<String, Tensor> state, String kind, Tensor weight, DynamicType type) {
        long blocks = Math.ceilDiv(weight.numel(), DynamicType.BLOCK);
        Device device = Device.of(weight);
        state.put(kind, Tensors.full(type.zero(), DType.UINT8, device, blocks, DynamicType.BLOCK));
        state.put(kind + SCALE, Tensors.zeros(DType.FLOAT32, device, blocks));
    }

    @Override
    void step(List<Slot> open, double learningRate) {
        for (Slot slot : open) {
            try (Scope _ = new Scope()) {
                if (slot.has(MEAN + SCALE)) {
                    stepInPieces(slot, learningRate);
                } else {
                    move(
                            slot.weight(),
                            slot.gradient(),
                            new Moments(slot.tensor(MEAN), slot.tensor(SQUARE), slot.updates()),
                            learningRate);
                }
            }
        }
    }

    private void stepInPieces(Slot slot, double learningRate) {
        Tensor weights = slot.weight().view(-1);
        Tensor gradients = slot.gradient().view(-1);
        DType dtype = DType.of(weights);
        Device device = Device.of(weights);
        try (Scope _ = new Scope()) {
            DynamicType.Table signed = DynamicType.SIGNED.table(dtype, device);
            DynamicType.Table unsigned = DynamicType.UNSIGNED.table(dtype, device);
            long blocks = slot.tensor(MEAN).size(0);
            for (long from = 0; from < blocks; from += PIECE) {
                try (Scope _ = new Scope()) {
                    long length = Math.min(PIECE, blocks - from);
                    long begin = from * DynamicType.BLOCK;
                    long count = Math.min(length * DynamicType.BLOCK, weights.numel() - begin);
                    Quantized mean = Quantized.of(slot, MEAN, signed, from, length);
                    Quantized square = Quantized.of(slot, SQUARE, unsigned, from, length);
                    Tensor wideMean = mean.decode();
                    Tensor wideSquare = square.decode();
                    Moments moments = new Moments(
                            wideMean.view(-1).narrow(0, 0, count),
                            wideSquare.view(-1).narrow(0, 0, count),
                            slot.updates());
                    move(weights.narrow(0, begin, count), gradients.narrow(0, begin, count), moments, learningRate);
                    mean.encode(wideMean);
                    square.encode(wideSquare);
                }
            }
        }
    }

    /// The moments of a weight, and the number of its updates, the present one among them.
    private record Moments(Tensor mean, Tensor square, long updates) {}

    /// Updates the moments, then the weight.
    private void move(Tensor weight, Tensor gradient, Moments moments, double learningRate) {
        decay(moments.mean(), settings.beta1(), gradient, 1 - settings.beta1());
        moments.square()
                .mul_(new Scalar(settings.beta2()))
                .addcmul_(gradient, gradient, new Scalar(1 - settings.beta2()));
        double meanShare = 1 - Math.pow(settings.beta1(), (double) moments.updates());
        double squareShare = 1 - Math.pow(settings.beta2(), (double) moments.updates());
        Tensor denominator = Ops.add(Ops.mul(moments.square().sqrt(), 1 / Math.sqrt(squareShare)), settings.eps());
        weight.mul_(new Scalar(1 - learningRate * settings.weightDecay()))
                .addcdiv_(moments.mean(), denominator, new Scalar(-learningRate / meanShare));
    }

    /// Blocks of a moment in 8 bits.
    ///
    /// @param codes uint8 `[blocks, 256]`
    /// @param scales float32 `[blocks]`, the largest absolute value of each
    private record Quantized(Tensor codes, Tensor scales, DynamicType.Table table) {

        static Quantized of(Slot slot, String kind, DynamicType.Table table, long from, long length) {
            return new Quantized(
                    slot.tensor(kind).narrow(0, from, length),
                    slot.tensor(kind + SCALE).narrow(0, from, length),
                    table);
        }

        /// @return `[blocks, 256]` in the dtype of the table
        Tensor decode() {
            Tensor indices = DType.INT32.cast(codes.view(-1));
            Tensor values = table.values().index_select(0, indices).view(codes.size(0), codes.size(1));
            return values.mul_(scales.unsqueeze(-1));
        }

        void encode(Tensor values) {
            scales.copy_(values.abs().amax(new long[] {-1}, false));
            Tensor divisors =
                    scales.clamp_min(new Scalar((double) Float.MIN_NORMAL)).unsqueeze(-1);
            codes.copy_(Ops.bucketize(values.div(divisors), table.boundaries()));
        }
    }

    /// The dynamic 8-bit data type: after the sign, where there is one, zeros up to the first 1 give the power of ten,
    /// from 1 down to 1e-6; the bits after it divide the part from 0.1 to 1 evenly. 0 and 1 take the last two codes.
    enum DynamicType {
        SIGNED,
        UNSIGNED;

        /// Numbers that share a scale.
        static final long BLOCK = 256;

        private static final int POWERS = 7;

        /// All values in ascending order; their places are the codes.
        double[] numbers() {
            DoubleStream values = DoubleStream.of(0, 1);
            for (int power = 0; power < POWERS; power++) { // of the smallest values first
                int count = this == SIGNED ? 1 << power : 2 << power;
                double scale = Math.pow(10, power - POWERS + 1);
                double[] middles = IntStream.range(0, count)
                        .mapToDouble(i -> scale * (0.1 + 0.9 * (i + 0.5) / count))
                        .toArray();
                values = DoubleStream.concat(values, Arrays.stream(middles));
                if (this == SIGNED) {
                    values = DoubleStream.concat(values, Arrays.stream(middles).map(middle -> -middle));
                }
            }
            return values.sorted().toArray();
        }

        /// The code of 0.
        int zero() {
            return Arrays.binarySearch(numbers(), 0);
        }

        /// The values and the middles between them, on a device.
        record Table(Tensor values, Tensor boundaries) {}

        Table table(DType dtype, Device device) {
            double[] values = numbers();
            double[] boundaries = IntStream.range(1, values.length)
                    .mapToDouble(i -> (values[i - 1] + values[i]) / 2)
                    .toArray();
            return new Table(
                    device.place(Tensors.of(values, values.length), dtype),
                    device.place(Tensors.of(boundaries, boundaries.length), dtype));
        }
    }
}
