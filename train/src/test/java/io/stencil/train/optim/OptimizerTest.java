package io.stencil.train.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.nn.Initializer;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Every optimizer against the formulas of its paper, computed here in double precision, one number at a time.
class OptimizerTest {

    private static final int UPDATES = 20;
    private static final double DECAY = 0.1;

    /// A vector, a matrix, and a matrix of more than 4096 elements, which are no whole blocks of 256.
    private static final class Weights extends Module {
        private static final long[][] SHAPES = {{7}, {5, 3}, {70, 61}};

        private final List<Parameter> parameters = List.of(
                parameter("vector", Initializer.normal(0.02), SHAPES[0]),
                parameter("matrix", Initializer.normal(0.02), SHAPES[1]),
                parameter("large", Initializer.normal(0.02), SHAPES[2]));

        Weights(DType dtype) {
            try (TorchGenerator generator = new TorchGenerator(1)) {
                initialize(dtype, Device.CPU, generator);
            }
            trainOnly(Set.of("vector", "matrix", "large"));
        }

        double[][] values() {
            return parameters.stream()
                    .map(parameter -> Tensors.toDoubles(parameter.get()))
                    .toArray(double[][]::new);
        }

        void setGradients(double[][] gradients) {
            try (Scope _ = new Scope()) {
                for (int i = 0; i < SHAPES.length; i++) {
                    Parameter parameter = parameters.get(i);
                    Tensor gradient = Tensors.of(gradients[i], SHAPES[i]);
                    parameter.setGradient(parameter.dtype().cast(gradient).clone());
                }
            }
        }
    }

    /// Gradients of one update, of sizes that differ from element to element; exact in float32.
    private static double[][] gradients(int update) {
        SplittableRandom random = new SplittableRandom(update);
        double[][] gradients = new double[Weights.SHAPES.length][];
        for (int i = 0; i < gradients.length; i++) {
            int count = Math.toIntExact(Arrays.stream(Weights.SHAPES[i]).reduce(1, (a, b) -> a * b));
            gradients[i] = DoubleStream.generate(
                            () -> (float) ((0.3 + random.nextGaussian()) * Math.pow(2, random.nextInt(6) - 4)))
                    .limit(count)
                    .toArray();
        }
        return gradients;
    }

    /// A method in double precision on all weights.
    interface Reference {
        void update(double[][] weights, double[][] gradients, int t);
    }

    private static Reference adamW(double rate, double decay) {
        Map<Integer, double[][]> moments = new LinkedHashMap<>();
        return (weights, gradients, t) -> {
            for (int p = 0; p < weights.length; p++) {
                int size = weights[p].length;
                double[][] mv = moments.computeIfAbsent(p, _ -> new double[2][size]);
                for (int i = 0; i < size; i++) {
                    double g = gradients[p][i];
                    mv[0][i] = 0.9 * mv[0][i] + 0.1 * g;
                    mv[1][i] = 0.999 * mv[1][i] + 0.001 * g * g;
                    double mean = mv[0][i] / (1 - Math.pow(0.9, t));
                    double square = mv[1][i] / (1 - Math.pow(0.999, t));
                    weights[p][i] -= rate * decay * weights[p][i] + rate * mean / (Math.sqrt(square) + 1e-8);
                }
            }
        };
    }

    /// Algorithm 2 of the paper, with decoupled decay.
    private static Reference lion(double rate, double decay, double beta1, double beta2) {
        Map<Integer, double[]> means = new LinkedHashMap<>();
        return (weights, gradients, _) -> {
            for (int p = 0; p < weights.length; p++) {
                int size = weights[p].length;
                double[] mean = means.computeIfAbsent(p, _ -> new double[size]);
                for (int i = 0; i < size; i++) {
                    double direction = Math.signum(beta1 * mean[i] + (1 - beta1) * gradients[p][i]);
                    weights[p][i] -= rate * (direction + decay * weights[p][i]);
                    mean[i] = beta2 * mean[i] + (1 - beta2) * gradients[p][i];
                }
            }
        };
    }

    /// Algorithms 4 and 5 of the paper with the constants of section 9: squares factored into rows and columns,
    /// clipped updates, steps relative to the weight's root mean square.
    private static Reference adafactor(double rate, double decay, boolean relative, double beta1) {
        Map<Integer, double[][]> state = new LinkedHashMap<>();
        return (weights, gradients, t) -> {
            double beta2 = 1 - Math.pow(t, -0.8);
            for (int p = 0; p < weights.length; p++) {
                double[] weight = weights[p];
                double[] g = gradients[p];
                int size = weight.length;
                int columns = Math.toIntExact(Weights.SHAPES[p][Weights.SHAPES[p].length - 1]);
                int rows = size / columns;
                boolean factored = Weights.SHAPES[p].length > 1;
                double[][] kept = state.computeIfAbsent(p, _ ->
                        new double[][] {new double[factored ? rows : size], new double[columns], new double[size]});
                double[] squares = Arrays.stream(g).map(x -> x * x + 1e-30).toArray();
                double[] update = new double[size];
                if (factored) {
                    for (int r = 0; r < rows; r++) {
                        double mean = 0;
                        for (int c = 0; c < columns; c++) {
                            mean += squares[r * columns + c] / columns;
                        }
                        kept[0][r] = beta2 * kept[0][r] + (1 - beta2) * mean;
                    }
                    for (int c = 0; c < columns; c++) {
                        double mean = 0;
                        for (int r = 0; r < rows; r++) {
                            mean += squares[r * columns + c] / rows;
                        }
                        kept[1][c] = beta2 * kept[1][c] + (1 - beta2) * mean;
                    }
                    double all = Arrays.stream(kept[0]).average().orElseThrow();
                    for (int i = 0; i < size; i++) {
                        update[i] = g[i] / Math.sqrt(kept[0][i / columns] * kept[1][i % columns] / all);
                    }
                } else {
                    for (int i = 0; i < size; i++) {
                        kept[0][i] = beta2 * kept[0][i] + (1 - beta2) * squares[i];
                        update[i] = g[i] / Math.sqrt(kept[0][i]);
                    }
                }
                double step = relative
                        ? rate * Math.min(1e-2, 1 / Math.sqrt(t)) * Math.max(1e-3, rootMeanSquare(weight))
                        : rate;
                double clip = Math.max(1, rootMeanSquare(update));
                for (int i = 0; i < size; i++) {
                    kept[2][i] = beta1 * kept[2][i] + (1 - beta1) * step * update[i] / clip;
                    weight[i] -= decay * step * weight[i] + kept[2][i];
                }
            }
        };
    }

    private static double rootMeanSquare(double[] values) {
        return Math.sqrt(Arrays.stream(values).map(x -> x * x).average().orElseThrow());
    }

    /// Algorithm 4 of the paper, as its authors publish it.
    private static final class ProdigyByHand implements Reference {
        private final double rate;
        private final double d0;
        private final double coefficient;
        private final double growth;
        private final boolean corrects;
        private final boolean safeguards;
        private final boolean decouples;
        private final Map<Integer, double[][]> state = new LinkedHashMap<>();
        private double d;
        private double most;
        private double numerator;

        ProdigyByHand(double rate, double d0, double coefficient, double growth, boolean... switches) {
            this.rate = rate;
            this.d0 = d0;
            this.coefficient = coefficient;
            this.growth = growth;
            this.d = d0;
            this.most = d0;
            this.corrects = switches[0];
            this.safeguards = switches[1];
            this.decouples = switches[2];
        }

        @Override
        public void update(double[][] weights, double[][] gradients, int t) {
            double beta3 = Math.sqrt(0.999);
            double step = d * rate * (corrects ? Math.sqrt(1 - Math.pow(0.999, t)) / (1 - Math.pow(0.9, t)) : 1);
            double denominator = 0;
            numerator *= beta3;
            for (int p = 0; p < weights.length; p++) {
                double[] start = weights[p];
                double[][] kept = state.computeIfAbsent(p, _ -> new double[][] {
                    start.clone(), new double[start.length], new double[start.length], new double[start.length]
                });
                for (int i = 0; i < weights[p].length; i++) {
                    double g = gradients[p][i] + (decouples ? 0 : DECAY * weights[p][i]);
                    numerator += d / d0 * step * g * (kept[0][i] - weights[p][i]);
                    kept[1][i] = 0.9 * kept[1][i] + 0.1 * d * g;
                    kept[2][i] = 0.999 * kept[2][i] + 0.001 * d * d * g * g;
                    kept[3][i] = beta3 * kept[3][i] + d / d0 * (safeguards ? d : step) * g;
                    denominator += Math.abs(kept[3][i]);
                }
            }
            double estimate = coefficient * numerator / denominator;
            if (d == d0) {
                d = Math.max(d, estimate);
            }
            most = Math.max(most, estimate);
            d = Math.min(most, d * growth);
            for (int p = 0; p < weights.length; p++) {
                double[][] kept = Objects.requireNonNull(state.get(p));
                for (int i = 0; i < weights[p].length; i++) {
                    double w = weights[p][i];
                    weights[p][i] = w * (decouples ? 1 - DECAY * step : 1)
                            - step * kept[1][i] / (Math.sqrt(kept[2][i]) + d * 1e-8);
                }
            }
        }
    }

    /// Adam with moments that go through 8 bits after each update where a weight has at least 4096 elements.
    private static Reference adamW8bit(double rate, double decay) {
        Map<Integer, double[][]> moments = new LinkedHashMap<>();
        double[] signed = dynamicType(true);
        double[] unsigned = dynamicType(false);
        return (weights, gradients, t) -> {
            for (int p = 0; p < weights.length; p++) {
                int size = weights[p].length;
                double[][] mv = moments.computeIfAbsent(p, _ -> new double[2][size]);
                for (int i = 0; i < size; i++) {
                    double g = gradients[p][i];
                    mv[0][i] = 0.9 * mv[0][i] + 0.1 * g;
                    mv[1][i] = 0.999 * mv[1][i] + 0.001 * g * g;
                    double mean = mv[0][i] / (1 - Math.pow(0.9, t));
                    double square = mv[1][i] / (1 - Math.pow(0.999, t));
                    weights[p][i] -= rate * decay * weights[p][i] + rate * mean / (Math.sqrt(square) + 1e-8);
                }
                if (size >= 4096) {
                    throughEightBits(mv[0], signed);
                    throughEightBits(mv[1], unsigned);
                }
            }
        };
    }

    private static void throughEightBits(double[] values, double[] type) {
        for (int from = 0; from < values.length; from += 256) {
            int end = Math.min(from + 256, values.length);
            float scale = (float)
                    Arrays.stream(values, from, end).map(Math::abs).max().orElseThrow();
            for (int i = from; i < end; i++) {
                double nearest = type[0];
                for (double value : type) {
                    if (Math.abs(values[i] / scale - value) < Math.abs(values[i] / scale - nearest)) {
                        nearest = value;
                    }
                }
                values[i] = nearest * scale;
            }
        }
    }

    /// The bits of each code, read one by one: a sign where there is one, zeros, a 1, and a fraction of what is left.
    private static double[] dynamicType(boolean signed) {
        List<Double> values = new ArrayList<>(List.of(0.0, 1.0));
        int width = signed ? 7 : 8;
        int powers = 7;
        for (int exponent = 0; exponent < powers; exponent++) { // zeros before the first 1
            int bits = width - 1 - exponent;
            for (int fraction = 0; fraction < 1 << bits; fraction++) {
                double lower = 0.1 + 0.9 * fraction / (1 << bits);
                double upper = 0.1 + 0.9 * (fraction + 1) / (1 << bits);
                double value = Math.pow(10, -exponent) * (lower + upper) / 2;
                values.add(value);
                if (signed) {
                    values.add(-value);
                }
            }
        }
        assertThat(values).hasSize(256);
        return values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    }

    interface Method {
        Reference begin();
    }

    private static Arguments method(OptimizerType type, double rate, Method reference, String... arguments) {
        return Arguments.of(type, rate, reference, List.of(arguments));
    }

    /// Rates by which 20 updates move weights by far more than the bound, and at which float32 itself is within it.
    static Stream<Arguments> methods() {
        return Stream.of(
                method(OptimizerType.ADAMW, 1e-3, () -> adamW(1e-3, 0.1)),
                method(OptimizerType.ADAMW_8BIT, 1e-3, () -> adamW8bit(1e-3, 0.1)),
                method(OptimizerType.LION, 1e-3, () -> lion(1e-3, 0.1, 0.9, 0.99)),
                method(OptimizerType.LION, 1e-3, () -> lion(1e-3, 0.1, 0.95, 0.98), "beta1=0.95", "beta2=0.98"),
                method(OptimizerType.ADAFACTOR, 1, () -> adafactor(1, 0.1, true, 0)),
                method(
                        OptimizerType.ADAFACTOR,
                        1e-3,
                        () -> adafactor(1e-3, 0.1, false, 0.9),
                        "relative_step=false",
                        "scale_parameter=false",
                        "beta1=0.9"),
                method(
                        OptimizerType.PRODIGY,
                        1,
                        () -> new ProdigyByHand(1, 1e-6, 1, Double.POSITIVE_INFINITY, false, false, true)),
                method(
                        OptimizerType.PRODIGY,
                        0.5,
                        () -> new ProdigyByHand(0.5, 1e-3, 2, 1.5, true, true, false),
                        "use_bias_correction=true",
                        "safeguard_warmup=true",
                        "decouple=false",
                        "d0=1e-3",
                        "d_coef=2",
                        "growth_rate=1.5"));
    }

    @ParameterizedTest
    @MethodSource("methods")
    void equalsItsPaper(OptimizerType type, double rate, Method method, List<String> arguments) {
        assertEquals(DType.FLOAT64, 1e-12, type.settings(DECAY, arguments), rate, method.begin());
        assertEquals(DType.FLOAT32, 1e-6, type.settings(DECAY, arguments), rate, method.begin());
    }

    private static void assertEquals(
            DType dtype, double bound, Optimizer.Settings settings, double rate, Reference reference) {
        try (Weights model = new Weights(dtype);
                Optimizer optimizer = settings.create(model.parameters)) {
            double[][] expected = model.values();
            double[] start = joined(expected);
            for (int t = 1; t <= UPDATES; t++) {
                model.setGradients(gradients(t));
                optimizer.update(rate);
                reference.update(expected, gradients(t), t);
                assertThat(largestDifference(joined(model.values()), joined(expected)))
                        .as("update %s in %s", t, dtype)
                        .isLessThan(bound);
            }
            assertThat(largestDifference(start, joined(expected))).isGreaterThan(1e-3);
        }
    }

    private static double[] joined(double[][] values) {
        return Arrays.stream(values).flatMapToDouble(Arrays::stream).toArray();
    }

    private static double largestDifference(double[] one, double[] other) {
        return IntStream.range(0, one.length)
                .mapToDouble(i -> Math.abs(one[i] - other[i]))
                .max()
                .orElseThrow();
    }

    /// A state is copied to another optimizer, as a resumed run does it.
    @ParameterizedTest
    @MethodSource("methods")
    void goesOnFromItsStateBitForBit(OptimizerType type, double rate, Method method, List<String> arguments) {
        Optimizer.Settings settings = type.settings(DECAY, arguments);
        try (Weights whole = new Weights(DType.FLOAT32);
                Weights parts = new Weights(DType.FLOAT32);
                Optimizer uninterrupted = settings.create(whole.parameters);
                Optimizer first = settings.create(parts.parameters)) {
            for (int t = 1; t <= 3; t++) {
                update(whole, uninterrupted, t, rate);
                update(parts, first, t, rate);
            }
            try (Optimizer second = settings.create(parts.parameters)) {
                second.restore(first.states(), first.sharedState());
                for (int t = 4; t <= 6; t++) {
                    update(whole, uninterrupted, t, rate);
                    update(parts, second, t, rate);
                }
            }
            assertThat(parts.values()).isDeepEqualTo(whole.values());
        }
    }

    private static void update(Weights model, Optimizer optimizer, int t, double rate) {
        model.setGradients(gradients(t));
        optimizer.update(rate);
    }

    @Test
    void theStateOfAnotherOptimizerIsRefused() {
        try (Weights model = new Weights(DType.FLOAT32);
                Optimizer adam = OptimizerType.ADAMW.settings(0, List.of()).create(model.parameters);
                Optimizer lion = OptimizerType.LION.settings(0, List.of()).create(model.parameters)) {
            assertThatThrownBy(() -> lion.restore(adam.states(), adam.sharedState()))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'states': expected mean, found mean, square: another optimizer made them");
        }
    }

    /// Moments of large weights take two bytes for each element, and a scale for each 256.
    @Test
    void momentsAreKeptInEightBits() {
        try (Weights model = new Weights(DType.FLOAT32);
                Optimizer optimizer =
                        OptimizerType.ADAMW_8BIT.settings(0, List.of()).create(model.parameters)) {
            update(model, optimizer, 1, 1e-3);
            List<Map<String, Long>> bytes = optimizer.states().stream()
                    .map(state -> {
                        Map<String, Long> sizes = new LinkedHashMap<>();
                        state.tensors().forEach((kind, tensor) -> sizes.put(kind, tensor.nbytes()));
                        return sizes;
                    })
                    .toList();
            long blocks = 17; // of 70 x 61
            assertThat(bytes)
                    .containsExactly(
                            Map.of("mean", 4 * 7L, "square", 4 * 7L),
                            Map.of("mean", 4 * 15L, "square", 4 * 15L),
                            Map.of(
                                    "mean", 256 * blocks,
                                    "mean_scale", 4 * blocks,
                                    "square", 256 * blocks,
                                    "square_scale", 4 * blocks));
        }
    }

    /// A weight whose gradient is zero throughout moves by its decay alone.
    @ParameterizedTest
    @EnumSource(OptimizerType.class)
    void gradientsOfZeroLeaveNumbersFinite(OptimizerType type) {
        try (Weights model = new Weights(DType.FLOAT32);
                Optimizer optimizer = type.settings(DECAY, List.of()).create(model.parameters)) {
            double[] start = joined(model.values());
            for (int t = 0; t < 2; t++) {
                model.setGradients(new double[][] {new double[7], new double[15], new double[70 * 61]});
                optimizer.update(1e-3);
            }
            assertThat(largestDifference(start, joined(model.values()))).isLessThan(1e-4);
        }
    }

    static Stream<Arguments> refused() {
        return Stream.of(
                Arguments.of(OptimizerType.LION, "eps=1", "of --optimizer lion are beta1, beta2, found 'eps'"),
                Arguments.of(OptimizerType.ADAMW, "beta1=1", "beta1 must be at least 0 and below 1, found '1'"),
                Arguments.of(OptimizerType.ADAMW, "beta1=NaN", "beta1 must be at least 0 and below 1, found 'NaN'"),
                Arguments.of(OptimizerType.ADAMW_8BIT, "eps=0", "eps must be a number above 0, found '0'"),
                Arguments.of(OptimizerType.PRODIGY, "d0=small", "d0 must be a number, found 'small'"),
                Arguments.of(
                        OptimizerType.PRODIGY,
                        "safeguard_warmup=1",
                        "safeguard_warmup must be true or false, found '1'"),
                Arguments.of(
                        OptimizerType.ADAFACTOR,
                        "beta1",
                        "must be name=value with commas between, such as beta1=0.9, found 'beta1'"));
    }

    @ParameterizedTest
    @MethodSource
    void refused(OptimizerType type, String argument, String message) {
        assertThatThrownBy(() -> type.settings(0, List.of(argument)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'optimizer_args': " + message);
    }

    @Test
    void anArgumentThatIsGivenTwiceIsRefused() {
        assertThatThrownBy(() -> OptimizerType.ADAMW.settings(0, List.of("beta1=0.9", "beta1=0.8")))
                .hasMessage("'optimizer_args': gives beta1 twice");
    }
}
