package io.stencil.train.optim;

import io.stencil.autograd.GradMode;
import io.stencil.error.InvalidRequestException;
import io.stencil.nn.Parameter;
import io.stencil.tensor.BoxedOperator;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;

/// Updates parameters by Adam with decoupled weight decay (Loshchilov and Hutter 2017, arXiv:1711.05101), in
/// PyTorch's order of operations.
///
/// A parameter without a gradient is left alone: no decay, and its count of updates stays. Moments have the
/// parameter's dtype; keep parameters in float32, for at common rates an update is smaller than half a step of
/// bfloat16 and would be lost.
public final class AdamW implements AutoCloseable {

    /// The constants of the method.
    ///
    /// @param weightDecay share of a weight, times the learning rate, that an update takes off
    /// @param beta1 decay of the mean of the gradients
    /// @param beta2 decay of the mean of their squares
    /// @param eps keeps the denominator above 0
    public record Settings(double weightDecay, double beta1, double beta2, double eps) {

        /// The customary betas 0.9 and 0.999, and eps 1e-8.
        public static Settings withDecay(double weightDecay) {
            return new Settings(weightDecay, 0.9, 0.999, 1e-8);
        }
    }

    private static final BoxedOperator KERNEL = new BoxedOperator("aten::_fused_adamw_");

    private static final class Moments implements AutoCloseable {
        private final Parameter parameter;
        private final OwnedTensor mean;
        private final OwnedTensor square;
        private long updates;

        Moments(Parameter parameter) {
            this.parameter = parameter;
            if (!parameter.get().is_contiguous()) {
                throw new InvalidRequestException("parameters", "a parameter is not contiguous");
            }
            try (Scope _ = new Scope()) {
                mean = new OwnedTensor(zerosLike(parameter.get()));
                square = new OwnedTensor(zerosLike(parameter.get()));
            }
        }

        private static Tensor zerosLike(Tensor tensor) {
            return Tensors.zeros(DType.of(tensor), Device.of(tensor), Tensors.shape(tensor));
        }

        boolean hasGradient() {
            try (Scope _ = new Scope()) {
                return parameter.gradient() != null;
            }
        }

        /// Laid out as the weight is, which the kernel takes for granted.
        Tensor gradient() {
            return Objects.requireNonNull(parameter.gradient()).contiguous();
        }

        @Override
        public void close() {
            mean.close();
            square.close();
        }
    }

    /// The moments of one parameter, and the number of its updates.
    ///
    /// @param mean of the gradients
    /// @param square mean of their squares
    /// @param updates that were counted
    public record State(Tensor mean, Tensor square, long updates) {}

    private final Settings settings;
    private final List<Moments> all = new ArrayList<>();

    /// @param parameters trainable ones; they stay their modules'
    public AdamW(Collection<Parameter> parameters, Settings settings) {
        this.settings = settings;
        parameters.forEach(parameter -> all.add(new Moments(parameter)));
    }

    /// The state for each parameter, in the order in which they were given. The tensors stay the optimizer's.
    public List<State> states() {
        return all.stream()
                .map(member -> new State(member.mean.get(), member.square.get(), member.updates))
                .toList();
    }

    /// Goes on from copies of these states.
    ///
    /// @param states in the order of the parameters, with their shapes
    public void restore(List<State> states) {
        if (states.size() != all.size()) {
            throw new InvalidRequestException(
                    "states", "%s states for %s parameters".formatted(states.size(), all.size()));
        }
        try (GradMode _ = GradMode.disabled()) {
            for (int i = 0; i < states.size(); i++) {
                Moments moments = all.get(i);
                moments.mean.get().copy_(states.get(i).mean());
                moments.square.get().copy_(states.get(i).square());
                moments.updates = states.get(i).updates();
            }
        }
    }

    /// Moves every parameter against its gradient and frees the gradients.
    public void update(double learningRate) {
        Map<Group, List<Moments>> groups = new LinkedHashMap<>();
        for (Moments moments : all) {
            if (moments.hasGradient()) {
                moments.updates++;
                groups.computeIfAbsent(Group.of(moments), _ -> new ArrayList<>())
                        .add(moments);
            }
        }
        groups.forEach((group, members) -> {
            try (Scope _ = new Scope();
                    GradMode _ = GradMode.disabled()) {
                update(group, members, learningRate);
            }
            members.forEach(member -> member.parameter.clearGradient());
        });
    }

    /// Parameters that one call moves: one pass over weights, gradients and moments, in place of one for each
    /// operation and tensor.
    private record Group(DType dtype, Device device, long updates) {
        static Group of(Moments moments) {
            Tensor weight = moments.parameter.get();
            return new Group(DType.of(weight), Device.of(weight), moments.updates);
        }
    }

    private void update(Group group, List<Moments> members, double learningRate) {
        Tensor updates = Tensors.full((double) group.updates(), DType.FLOAT32, group.device());
        BoxedOperator.Arguments arguments = new BoxedOperator.Arguments()
                .add(members.stream().map(member -> member.parameter.get()).toList())
                .add(members.stream().map(Moments::gradient).toList())
                .add(members.stream().map(member -> member.mean.get()).toList())
                .add(members.stream().map(member -> member.square.get()).toList())
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

    @Override
    public void close() {
        all.forEach(Moments::close);
        all.clear();
    }
}
