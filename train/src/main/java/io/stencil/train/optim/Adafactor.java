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
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Updates parameters by Adafactor (Shazeer and Stern 2018, arXiv:1804.04235), which keeps the mean of the squared
/// gradients of a matrix as the means of its rows and columns: next to no memory.
///
/// The step is relative, as in the paper and in Transformers: `min(0.01, 1 / sqrt(t))`, times the root mean square of
/// the weight, times the learning rate.
public final class Adafactor extends Optimizer {

    /// The constants of the method.
    ///
    /// @param weightDecay share of a weight, times the step, that an update takes off
    /// @param eps added to squared gradients
    /// @param epsScale smallest root mean square of a weight that the step is relative to
    /// @param clipThreshold root mean square that an update of one weight has at most
    /// @param decayRate exponent of the decay of the squares, `1 - t^-decayRate`
    /// @param beta1 decay of the mean of the updates; null takes each update as it is and keeps no mean
    /// @param scaleParameter whether the step is relative to the root mean square of the weight
    /// @param relativeStep whether the step falls with the number of updates; else it is the learning rate
    /// @param warmupInit whether a relative step begins with `1e-6 t`
    public record Settings(
            double weightDecay,
            double eps,
            double epsScale,
            double clipThreshold,
            double decayRate,
            @Nullable Double beta1,
            boolean scaleParameter,
            boolean relativeStep,
            boolean warmupInit)
            implements Optimizer.Settings {

        static Settings of(double weightDecay, Arguments arguments) {
            return new Settings(
                    weightDecay,
                    arguments.positive("eps", 1e-30),
                    arguments.positive("eps_scale", 1e-3),
                    arguments.positive("clip_threshold", 1),
                    arguments.positive("decay_rate", 0.8),
                    arguments.has("beta1") ? Double.valueOf(arguments.share("beta1", 0)) : null,
                    arguments.flag("scale_parameter", true),
                    arguments.flag("relative_step", true),
                    arguments.flag("warmup_init", false));
        }

        @Override
        public double defaultLearningRate() {
            return relativeStep ? 1 : 1e-3;
        }

        @Override
        public Adafactor create(Collection<Parameter> parameters) {
            return new Adafactor(parameters, this);
        }
    }

    private static final String MEAN = AdamW.MEAN;
    private static final String SQUARE = AdamW.SQUARE;
    private static final String ROW = "row";
    private static final String COLUMN = "column";

    private final Settings settings;

    /// @param parameters trainable ones; they stay their modules'
    public Adafactor(Collection<Parameter> parameters, Settings settings) {
        super(parameters, weight -> initialState(weight, settings));
        this.settings = settings;
    }

    /// The last two dimensions are those of a matrix; more make it a stack of matrices.
    private static Map<String, Tensor> initialState(Tensor weight, Settings settings) {
        Map<String, Tensor> state = new LinkedHashMap<>();
        long[] shape = Tensors.shape(weight);
        int rank = shape.length;
        if (rank < 2) {
            state.put(SQUARE, zerosLike(weight));
        } else {
            long[] columns = Arrays.copyOf(shape, rank - 1);
            columns[rank - 2] = shape[rank - 1];
            state.put(ROW, zeros(weight, Arrays.copyOf(shape, rank - 1)));
            state.put(COLUMN, zeros(weight, columns));
        }
        if (settings.beta1() != null) {
            state.put(MEAN, zerosLike(weight));
        }
        return state;
    }

    private static Tensor zeros(Tensor like, long... shape) {
        return Tensors.zeros(DType.of(like), Device.of(like), shape);
    }

    @Override
    void step(List<Slot> open, double learningRate) {
        for (Slot slot : open) {
            try (Scope _ = new Scope()) {
                step(slot, learningRate);
            }
        }
    }

    private void step(Slot slot, double learningRate) {
        Tensor weight = slot.weight();
        Tensor step = stepSize(weight, slot.updates(), learningRate);
        double beta2 = 1 - Math.pow((double) slot.updates(), -settings.decayRate());
        Tensor gradient = slot.gradient();
        Tensor update = normalised(slot, gradient, Ops.add(gradient.square(), settings.eps()), beta2);
        Tensor excess = Ops.mul(rootMeanSquare(update), 1 / settings.clipThreshold());
        update = update.div(excess.clamp_min(new Scalar(1.0))).mul(step);
        Double beta1 = settings.beta1();
        if (beta1 != null) {
            Tensor mean = slot.tensor(MEAN);
            decay(mean, beta1, update, 1 - beta1);
            update = mean;
        }
        if (settings.weightDecay() != 0) {
            weight.sub_(weight.mul(Ops.mul(step, settings.weightDecay())));
        }
        weight.sub_(update);
    }

    /// The gradient over the root of the mean of its squares.
    ///
    /// @param squares of the gradient, the shape of the weight
    private static Tensor normalised(Slot slot, Tensor gradient, Tensor squares, double beta2) {
        if (slot.has(SQUARE)) {
            Tensor square = slot.tensor(SQUARE);
            decay(square, beta2, squares, 1 - beta2);
            return gradient.mul(square.rsqrt());
        }
        Tensor row = slot.tensor(ROW);
        Tensor column = slot.tensor(COLUMN);
        decay(row, beta2, squares.mean(-1), 1 - beta2);
        decay(column, beta2, squares.mean(-2), 1 - beta2);
        Tensor ofRows = row.div(row.mean(-1).unsqueeze(-1)).rsqrt().unsqueeze(-1);
        return gradient.mul(ofRows).mul(column.rsqrt().unsqueeze(-2));
    }

    /// One number without dimensions, on the weight's device.
    private Tensor stepSize(Tensor weight, long updates, double learningRate) {
        double step = learningRate;
        if (settings.relativeStep()) {
            double most = settings.warmupInit() ? 1e-6 * updates : 1e-2;
            step *= Math.min(most, 1 / Math.sqrt((double) updates));
        }
        return settings.scaleParameter()
                ? Ops.mul(rootMeanSquare(weight).clamp_min(new Scalar(settings.epsScale())), step)
                : Tensors.full(step, DType.of(weight), Device.of(weight));
    }

    private static Tensor rootMeanSquare(Tensor tensor) {
        return Ops.mul(tensor.norm(), 1 / Math.sqrt((double) tensor.numel()));
    }
}
