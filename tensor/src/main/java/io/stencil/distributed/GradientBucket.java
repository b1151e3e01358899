package io.stencil.distributed;

import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;
import org.bytedeco.pytorch.Tensor;

/// Parameters of one dtype whose gradients travel together.
record GradientBucket(List<Parameter> parameters) {

    /// The last parameters come first: a backward pass reaches them first.
    ///
    /// @param bytes that a bucket holds at most, unless one parameter has more
    static List<GradientBucket> split(Collection<Parameter> parameters, long bytes) {
        List<GradientBucket> buckets = new ArrayList<>();
        long room = 0;
        DType dtype = null;
        for (Parameter parameter : List.copyOf(parameters).reversed()) {
            long own = parameter.get().numel() * parameter.get().element_size();
            if (buckets.isEmpty() || room < own || parameter.dtype() != dtype) {
                buckets.add(new GradientBucket(new ArrayList<>()));
                room = bytes;
                dtype = parameter.dtype();
            }
            buckets.getLast().parameters().add(parameter);
            room -= own;
        }
        return buckets;
    }

    /// A copy of all gradients, one after the other; zeros for one that is not there.
    OwnedTensor pack() {
        try (Scope _ = new Scope()) {
            Tensor packed =
                    Ops.cat(0, parameters.stream().map(GradientBucket::flat).toList());
            return new OwnedTensor(parameters.size() == 1 ? packed.clone() : packed); // one is its own concatenation
        }
    }

    private static Tensor flat(Parameter parameter) {
        Tensor gradient = parameter.gradient();
        Tensor weight = parameter.get();
        return gradient == null
                ? Tensors.zeros(DType.of(weight), Device.of(weight), weight.numel())
                : gradient.reshape(-1);
    }

    /// Puts packed gradients in the place of the present ones.
    ///
    /// @param wanted which parameters get theirs
    void unpack(Tensor packed, Predicate<Parameter> wanted) {
        long at = 0;
        for (Parameter parameter : parameters) {
            long count = parameter.elementCount();
            if (wanted.test(parameter)) {
                Tensor own = packed.narrow(0, at, count).view(parameter.shape());
                if (parameter.gradient() == null) {
                    parameter.setGradient(own.clone());
                } else {
                    Objects.requireNonNull(parameter.gradient()).copy_(own);
                }
            }
            at += count;
        }
    }
}
