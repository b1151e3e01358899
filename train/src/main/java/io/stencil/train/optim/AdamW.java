package io.stencil.train.optim;

import io.stencil.nn.Parameter;
import io.stencil.tensor.BoxedOperator;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/// Updates parameters by Adam with decoupled weight decay (Loshchilov and Hutter 2017, arXiv:1711.05101), in
/// PyTorch's order of operations.
///
/// Moments have the parameter's dtype; keep parameters in float32, for at common rates an update is smaller than half a
/// step of bfloat16 and would be lost.
public final class AdamW extends Optimizer {

    /// The constants of the method.
    ///
    /// @param weightDecay share of a weight, times the learning rate, that an update takes off
    /// @param beta1 decay of the mean of the gradients
    /// @param beta2 decay of the mean of their squares
    /// @param eps keeps the denominator above 0
    public record Settings(double weightDecay, double beta1, double beta2, double eps) implements Optimizer.Settings {

        /// The customary betas 0.9 and 0.999, and eps 1e-8.
        public static Settings withDecay(double weightDecay) {
            return new Settings(weightDecay, 0.9, 0.999, 1e-8);
        }

        static Settings of(double weightDecay, Arguments arguments) {
            return new Settings(
                    weightDecay,
                    arguments.share("beta1", 0.9),
                    arguments.share("beta2", 0.999),
                    arguments.positive("eps", 1e-8));
        }

        @Override
        public double defaultLearningRate() {
            return 1e-4;
        }

        @Override
        public AdamW create(Collection<Parameter> parameters) {
            return new AdamW(parameters, this);
        }
    }

    static final String MEAN = "mean";
    static final String SQUARE = "square";

    private static final BoxedOperator KERNEL = new BoxedOperator("aten::_fused_adamw_");

    private final Settings settings;

    /// @param parameters trainable ones; they stay their modules'
    public AdamW(Collection<Parameter> parameters, Settings settings) {
        super(parameters, AdamW::moments);
        this.settings = settings;
    }

    /// The mean of the gradients of a weight and that of their squares, before the first update.
    static Map<String, Tensor> moments(Tensor weight) {
        Map<String, Tensor> moments = new LinkedHashMap<>();
        moments.put(MEAN, zerosLike(weight));
        moments.put(SQUARE, zerosLike(weight));
        return moments;
    }

    /// Parameters that one call moves: one pass over weights, gradients and moments, in place of one for each
    /// operation and tensor.
    private record Group(DType dtype, Device device, long updates) {
        static Group of(Slot slot) {
            Tensor weight = slot.weight();
            return new Group(DType.of(weight), Device.of(weight), slot.updates());
        }
    }

    @Override
    void step(List<Slot> open, double learningRate) {
        Map<Group, List<Slot>> groups = new LinkedHashMap<>();
        open.forEach(slot ->
                groups.computeIfAbsent(Group.of(slot), _ -> new ArrayList<>()).add(slot));
        groups.forEach((group, members) -> {
            try (Scope _ = new Scope()) {
                step(group, members, learningRate);
            }
        });
    }

    private void step(Group group, List<Slot> members, double learningRate) {
        Tensor updates = Tensors.full((double) group.updates(), DType.FLOAT32, group.device());
        BoxedOperator.Arguments arguments = new BoxedOperator.Arguments()
                .add(members.stream().map(Slot::weight).toList())
                .add(members.stream().map(Slot::gradient).toList())
                .add(members.stream().map(slot -> slot.tensor(MEAN)).toList())
                .add(members.stream().map(slot -> slot.tensor(SQUARE)).toList())
                .add(List.of()) // largest squares, of AMSGrad
                .add(Collections.nCopies(members.size(), updates))
                .add(learningRate)
                .add(settings.beta1())
                .add(settings.beta2())
                .add(settings.weightDecay())
                .add(settings.eps())
                .add(false) // AMSGrad
                .add(false) // towards the gradient
                .addNone() // scale of the gradients
                .addNone(); // whether they are infinite
        KERNEL.call(arguments);
    }
}
