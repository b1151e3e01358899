package io.stencil.distributed;

import io.stencil.autograd.GradMode;
import io.stencil.error.InvalidRequestException;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/// Replaces the gradients of every process by their mean over all processes (Li et al. 2020, arXiv:2006.15704).
///
/// Gradients are packed into buckets; one is on its way while the next is packed. It happens after the backward pass
/// and not within it: a parameter gets gradients from several passes of one step (each sample's Template has its own,
/// and recomputed blocks have theirs), so that only the end of the step tells that a gradient is whole. libtorch's
/// `Reducer` counts on one gradient a parameter and cannot be used for the same reason.
///
/// A mean of gradients that are means already is the same mean: it may be taken within an update too.
public final class GradientAverage {

    private static final long BUCKET_BYTES = 25L << 20;

    private final ProcessGroup group;
    private final Map<String, Parameter> parameters;
    private final List<List<Parameter>> buckets = new ArrayList<>();

    /// @param parameters by name, the same on all processes; they stay their modules'
    public GradientAverage(ProcessGroup group, Map<String, Parameter> parameters) {
        this(group, parameters, BUCKET_BYTES);
    }

    GradientAverage(ProcessGroup group, Map<String, Parameter> parameters, long bucketBytes) {
        this.group = group;
        this.parameters = parameters;
        long room = 0;
        DType dtype = null;
        for (Parameter parameter : List.copyOf(parameters.values()).reversed()) {
            long bytes = parameter.get().numel() * parameter.get().element_size();
            if (buckets.isEmpty() || room < bytes || parameter.dtype() != dtype) {
                buckets.add(new ArrayList<>());
                room = bucketBytes;
                dtype = parameter.dtype();
            }
            buckets.getLast().add(parameter);
            room -= bytes;
        }
    }

    /// Gives all processes the parameters and buffers of rank 0.
    public static void replicate(ProcessGroup group, Map<String, Parameter> state) {
        if (group.size() == 1) {
            return;
        }
        try (GradMode _ = GradMode.disabled()) {
            for (Parameter parameter : state.values()) {
                try (Scope _ = new Scope()) {
                    Tensor copy = parameter.get().detach().contiguous().clone(); // a buffer may lie in a mapped file
                    group.broadcast(copy);
                    if (parameter.isBuffer()) {
                        parameter.set(copy);
                    } else {
                        parameter.get().copy_(copy);
                    }
                }
            }
        }
    }

    /// Takes the mean for an update.
    ///
    /// @param findUnused whether a parameter may be without a gradient: zeros are taken for it, and one that is unused
    ///     on all processes stays without
    /// @throws InvalidRequestException naming a parameter without a gradient where that is not allowed
    public void forUpdate(boolean findUnused) {
        if (group.size() == 1) {
            return;
        }
        if (!findUnused) {
            requireAll();
            average();
            return;
        }
        averageFound();
    }

    /// Takes the mean of what an update has so far, so that the gradients of any process tell all.
    public void withinUpdate() {
        if (group.size() > 1) {
            averageFound();
        }
    }

    private void requireAll() {
        try (Scope _ = new Scope()) {
            parameters.forEach((name, parameter) -> {
                if (parameter.gradient() == null) {
                    throw new InvalidRequestException(
                            "find_unused_parameters",
                            "'%s' got no gradient on rank %d: the loss does not depend on it; leave it out of "
                                            .formatted(name, group.rank())
                                    + "--trainable_models, or give --find_unused_parameters");
                }
            });
        }
    }

    private void averageFound() {
        List<Parameter> all = List.copyOf(parameters.values());
        double[] found = new double[all.size()];
        try (Scope _ = new Scope()) {
            for (int i = 0; i < found.length; i++) {
                found[i] = all.get(i).gradient() == null ? 0 : 1;
            }
        }
        double[] users = group.sum(found);
        for (int i = 0; i < found.length; i++) {
            if (users[i] > 0 && found[i] == 0) {
                try (Scope _ = new Scope()) {
                    Tensor weight = all.get(i).get();
                    all.get(i).setGradient(Tensors.zeros(DType.of(weight), Device.of(weight), Tensors.shape(weight)));
                }
            }
        }
        average();
    }

    private record Flight(List<Parameter> bucket, OwnedTensor packed, ProcessGroup.Pending sum) {}

    private void average() {
        List<Flight> flights = new ArrayList<>();
        try (GradMode _ = GradMode.disabled()) {
            for (List<Parameter> bucket : buckets) {
                try (Scope _ = new Scope()) {
                    List<Parameter> used = bucket.stream()
                            .filter(one -> one.gradient() != null)
                            .toList();
                    if (!used.isEmpty()) {
                        flights.add(begin(used));
                    }
                }
            }
            flights.forEach(this::land);
        } finally {
            flights.forEach(flight -> flight.packed().close());
        }
    }

    private Flight begin(List<Parameter> used) {
        Tensor packed =
                Ops.cat(0, used.stream().map(one -> gradient(one).reshape(-1)).toList());
        if (used.size() == 1) {
            packed = packed.clone(); // may be the gradient itself
        }
        return new Flight(used, new OwnedTensor(packed), group.sumLater(packed));
    }

    private void land(Flight flight) {
        flight.sum().await();
        try (Scope _ = new Scope()) {
            Tensor mean = flight.packed().get().mul_(new Scalar(1.0 / group.size()));
            long at = 0;
            for (Parameter parameter : flight.bucket()) {
                Tensor gradient = gradient(parameter);
                gradient.copy_(mean.narrow(0, at, gradient.numel()).view_as(gradient));
                at += gradient.numel();
            }
        }
    }

    private static Tensor gradient(Parameter parameter) {
        return Objects.requireNonNull(parameter.gradient());
    }
}
