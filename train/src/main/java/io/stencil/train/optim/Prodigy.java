package io.stencil.train.optim;

import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/// Updates parameters by Prodigy (Mishchenko and Defazio 2023, arXiv:2306.06101): Adam that estimates its own learning
/// rate, the distance D from the first weights to a solution. Leave `--learning_rate` at 1, by which D is multiplied.
///
/// It keeps four tensors for each parameter, twice as much as [AdamW]. The estimate is kept in float64.
public final class Prodigy extends Optimizer {

    /// The constants of the method, with the names of its authors' implementation.
    ///
    /// @param weightDecay share of a weight, times the learning rate, that an update takes off
    /// @param beta1 decay of the mean of the gradients
    /// @param beta2 decay of the mean of their squares
    /// @param beta3 decay of the sums that D is estimated from
    /// @param eps keeps the denominator above 0
    /// @param d0 first estimate of D
    /// @param dCoef factor of the estimate
    /// @param growthRate factor by which an update raises D at most
    /// @param options switches
    public record Settings(
            double weightDecay,
            double beta1,
            double beta2,
            double beta3,
            double eps,
            double d0,
            double dCoef,
            double growthRate,
            Switches options)
            implements Optimizer.Settings {

        static Settings of(double weightDecay, Arguments arguments) {
            double beta2 = arguments.share("beta2", 0.999);
            return new Settings(
                    weightDecay,
                    arguments.share("beta1", 0.9),
                    beta2,
                    arguments.share("beta3", Math.sqrt(beta2)),
                    arguments.positive("eps", 1e-8),
                    arguments.positive("d0", 1e-6),
                    arguments.positive("d_coef", 1),
                    arguments.positive("growth_rate", Double.POSITIVE_INFINITY),
                    new Switches(
                            arguments.flag("decouple", true),
                            arguments.flag("use_bias_correction", false),
                            arguments.flag("safeguard_warmup", false)));
        }

        @Override
        public double defaultLearningRate() {
            return 1;
        }

        @Override
        public Prodigy create(Collection<Parameter> parameters) {
            return new Prodigy(parameters, this);
        }
    }

    /// Switches of the method.
    ///
    /// @param decouple whether weight decay acts on the weights; else on the gradients
    /// @param biasCorrection whether the moments are corrected for their beginning at 0
    /// @param safeguardWarmup whether the learning rate is left out of the denominator of D, for a warm-up
    public record Switches(boolean decouple, boolean biasCorrection, boolean safeguardWarmup) {}

    private static final String MEAN = AdamW.MEAN;
    private static final String SQUARE = AdamW.SQUARE;
    private static final String SUM = "sum";
    private static final String START = "start";
    private static final String D = "d";
    private static final String D_MAX = "d_max";
    private static final String NUMERATOR = "d_numerator";
    private static final String UPDATES = "updates";

    private final Settings settings;

    /// @param parameters trainable ones; they stay their modules'
    public Prodigy(Collection<Parameter> parameters, Settings settings) {
        super(parameters, Prodigy::initialState);
        this.settings = settings;
        Device device = parameters.isEmpty()
                ? Device.CPU
                : Device.of(parameters.iterator().next().get());
        share(D, settings.d0(), device);
        share(D_MAX, settings.d0(), device);
        share(NUMERATOR, 0, device);
        share(UPDATES, 0, device);
    }

    private static Map<String, Tensor> initialState(Tensor weight) {
        Map<String, Tensor> state = new LinkedHashMap<>(AdamW.moments(weight));
        state.put(SUM, zerosLike(weight));
        state.put(START, weight.detach().clone());
        return state;
    }

    @Override
    void step(List<Slot> open, double learningRate) {
        if (open.isEmpty()) {
            return;
        }
        Tensor d = shared(D).clone(); // before this update
        Tensor rate = Ops.mul(settings.options().biasCorrection() ? d.mul(biasCorrection()) : d, learningRate);
        shared(UPDATES).add_(new Scalar(1.0));
        estimate(open, d, rate);
        Tensor eps = Ops.mul(shared(D), settings.eps());
        for (Slot slot : open) {
            try (Scope _ = new Scope()) {
                Tensor weight = slot.weight();
                Tensor update = slot.tensor(MEAN).div(slot.tensor(SQUARE).sqrt().add_(eps));
                if (settings.weightDecay() != 0 && settings.options().decouple()) {
                    weight.sub_(weight.mul(Ops.mul(rate, settings.weightDecay())));
                }
                weight.sub_(update.mul_(rate));
            }
        }
    }

    /// `sqrt(1 - beta2^t) / (1 - beta1^t)` of the update t, from 1.
    private Tensor biasCorrection() {
        Tensor t = Ops.add(shared(UPDATES), 1);
        return complement(settings.beta2(), t).sqrt().div(complement(settings.beta1(), t));
    }

    private static Tensor complement(double beta, Tensor exponent) {
        return Ops.add(Ops.pow(beta, exponent).neg(), 1);
    }

    /// Updates the moments, the sums and D.
    ///
    /// @param d before the update, without dimensions
    /// @param rate learning rate of the update, times `d`
    private void estimate(List<Slot> open, Tensor d, Tensor rate) {
        double beta3 = settings.beta3();
        Tensor scaled = Ops.mul(d, 1 / settings.d0()); // in place of d, which would make small numbers
        Tensor share = scaled.mul(settings.options().safeguardWarmup() ? d : rate);
        Tensor numerator = shared(NUMERATOR).mul_(new Scalar(beta3));
        Tensor denominator = zerosLike(d);
        for (Slot slot : open) {
            try (Scope _ = new Scope()) {
                Tensor gradient = slot.gradient();
                if (settings.weightDecay() != 0 && !settings.options().decouple()) {
                    gradient = Ops.addScaled(gradient, slot.weight(), settings.weightDecay());
                }
                Tensor way = slot.tensor(START).sub(slot.weight());
                numerator.add_(DType.FLOAT64
                        .cast(gradient.flatten().dot(way.flatten()))
                        .mul(scaled)
                        .mul(rate));
                slot.tensor(MEAN)
                        .mul_(new Scalar(settings.beta1()))
                        .add_(gradient.mul(Ops.mul(d, 1 - settings.beta1())));
                slot.tensor(SQUARE)
                        .mul_(new Scalar(settings.beta2()))
                        .add_(gradient.square().mul_(Ops.mul(d.square(), 1 - settings.beta2())));
                Tensor sum = slot.tensor(SUM).mul_(new Scalar(beta3)).add_(gradient.mul(share));
                denominator.add_(DType.FLOAT64.cast(sum.abs().sum()));
            }
        }
        // Without any gradient so far the estimate is 0 / 0: D stays.
        Tensor estimate = Ops.mul(numerator.div(denominator), settings.dCoef());
        estimate = d.where(denominator.eq(new Scalar(0.0)), estimate);
        Tensor first = d.maximum(estimate).where(d.eq(new Scalar(settings.d0())), d);
        Tensor most = shared(D_MAX).copy_(shared(D_MAX).maximum(estimate));
        shared(D).copy_(most.minimum(Ops.mul(first, settings.growthRate())));
    }
}
