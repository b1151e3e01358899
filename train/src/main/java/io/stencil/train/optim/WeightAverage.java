package io.stencil.train.optim;

import io.stencil.autograd.GradMode;
import io.stencil.error.InvalidRequestException;
import io.stencil.nn.Parameter;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/// Keeps an exponential moving average of the weights (EMA; Polyak and Juditsky 1992), which makes better images than
/// the weights of any single update.
///
/// The n-th update, from 1, keeps `min(decay, (1 + n) / (10 + n))` of the average, as TensorFlow's
/// `ExponentialMovingAverage` does, so that a short training is not dominated by the weights it began with.
public final class WeightAverage implements AutoCloseable {

    private record Averaged(Parameter parameter, OwnedTensor average) {}

    private final double decay;
    private final List<Averaged> all = new ArrayList<>();
    private long updates;

    /// Begins with the weights as they are.
    ///
    /// @param decay share of the average that an update keeps in the long run, 0 up to below 1
    public WeightAverage(Collection<Parameter> parameters, double decay) {
        this.decay = decay;
        for (Parameter parameter : parameters) {
            try (Scope _ = new Scope()) {
                all.add(new Averaged(
                        parameter, new OwnedTensor(parameter.get().detach().clone())));
            }
        }
    }

    /// Takes in the weights after an update.
    public void update() {
        updates++;
        Scalar share = new Scalar(1 - Math.min(decay, (1.0 + updates) / (10.0 + updates)));
        try (GradMode _ = GradMode.disabled();
                Scope _ = new Scope()) {
            for (Averaged averaged : all) {
                averaged.average.get().lerp_(averaged.parameter.get(), share);
            }
        }
    }

    /// How many updates were taken in.
    public long updates() {
        return updates;
    }

    /// The averages in the order of the parameters. They stay this object's.
    public List<Tensor> averages() {
        return all.stream().map(averaged -> averaged.average.get()).toList();
    }

    /// Goes on from copies of these averages.
    ///
    /// @param averages in the order of the parameters, with their shapes
    /// @param done updates that they have taken in
    public void restore(List<Tensor> averages, long done) {
        if (averages.size() != all.size()) {
            throw new InvalidRequestException(
                    "averages", "%s averages for %s parameters".formatted(averages.size(), all.size()));
        }
        try (GradMode _ = GradMode.disabled()) {
            for (int i = 0; i < averages.size(); i++) {
                all.get(i).average.get().copy_(averages.get(i));
            }
        }
        updates = done;
    }

    /// Runs `work` with the averages in the place of the weights, and puts the weights back.
    public void apply(Runnable work) {
        exchange();
        try {
            work.run();
        } finally {
            exchange();
        }
    }

    private void exchange() {
        try (GradMode _ = GradMode.disabled()) {
            for (Averaged averaged : all) {
                try (Scope _ = new Scope()) {
                    Tensor weight = averaged.parameter.get();
                    Tensor kept = weight.clone();
                    weight.copy_(averaged.average.get());
                    averaged.average.get().copy_(kept);
                }
            }
        }
    }

    @Override
    public void close() {
        all.forEach(averaged -> averaged.average.close());
        all.clear();
    }
}
