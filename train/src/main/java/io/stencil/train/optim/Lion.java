package io.stencil.train.optim;

import io.stencil.nn.Parameter;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/// Updates parameters by Lion (Chen et al. 2023, arXiv:2302.06675): each weight moves by the learning rate, along the
/// sign of a mean of its gradients. It keeps one tensor for each parameter, half as much as [AdamW].
public final class Lion extends Optimizer {

    /// The constants of the method.
    ///
    /// @param weightDecay share of a weight, times the learning rate, that an update takes off
    /// @param beta1 share of the mean in the sign that an update follows
    /// @param beta2 decay of the mean of the gradients
    public record Settings(double weightDecay, double beta1, double beta2) implements Optimizer.Settings {

        static Settings of(double weightDecay, Arguments arguments) {
            return new Settings(weightDecay, arguments.share("beta1", 0.9), arguments.share("beta2", 0.99));
        }

        /// A third of that of AdamW: the paper takes a third to a tenth of it.
        @Override
        public double defaultLearningRate() {
            return 3e-5;
        }

        @Override
        public Lion create(Collection<Parameter> parameters) {
            return new Lion(parameters, this);
        }
    }

    private static final String MEAN = AdamW.MEAN;

    private final Settings settings;

    /// @param parameters trainable ones; they stay their modules'
    public Lion(Collection<Parameter> parameters, Settings settings) {
        super(parameters, weight -> Map.of(MEAN, zerosLike(weight)));
        this.settings = settings;
    }

    @Override
    void step(List<Slot> open, double learningRate) {
        for (Slot slot : open) {
            try (Scope _ = new Scope()) {
                Tensor gradient = slot.gradient();
                Tensor mean = slot.tensor(MEAN);
                Tensor direction = Ops.addScaled(Ops.mul(mean, settings.beta1()), gradient, 1 - settings.beta1());
                slot.weight()
                        .mul_(new Scalar(1 - learningRate * settings.weightDecay()))
                        .add_(direction.sign(), new Scalar(-learningRate));
                decay(mean, settings.beta2(), gradient, 1 - settings.beta2());
            }
        }
    }
}
