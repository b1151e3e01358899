package io.stencil.distributed;

import io.stencil.autograd.GradMode;
import io.stencil.autograd.GradientArrivals;
import io.stencil.error.InvalidRequestException;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/// All-reduces gradients to their mean over all processes (Li et al. 2020, arXiv:2006.15704).
///
/// Gradients are packed into buckets. Between [#beforeLastPasses] and [#afterLastPasses] a bucket is all-reduced as
/// soon as it is whole, while the backward pass goes on. libtorch's `Reducer`, which does the like, counts on one
/// gradient a parameter; here a parameter may get several within an update, see [BucketReadiness].
///
/// A mean of gradients that are means already is the same mean: it may be taken within an update too.
public final class GradientReducer implements AutoCloseable {

    private static final long BUCKET_BYTES = 25L << 20;

    private final ProcessGroup group;
    private final Map<String, Parameter> parameters;
    private final List<GradientBucket> buckets;
    private final BucketReadiness readiness;
    private final GradientArrivals arrivals = new GradientArrivals();
    private final List<PendingReduce> pending = new ArrayList<>();
    private boolean watching;

    /// @param parameters that are trained, by name, the same on all processes; they stay their modules'
    public GradientReducer(ProcessGroup group, Map<String, Parameter> parameters) {
        this(group, parameters, BUCKET_BYTES);
    }

    GradientReducer(ProcessGroup group, Map<String, Parameter> parameters, long bucketBytes) {
        this.group = group;
        this.parameters = parameters;
        this.buckets = GradientBucket.split(parameters.values(), bucketBytes);
        List<Parameter> all = List.copyOf(parameters.values());
        IdentityHashMap<Parameter, Integer> places = new IdentityHashMap<>();
        for (int i = 0; i < buckets.size(); i++) {
            for (Parameter one : buckets.get(i).parameters()) {
                places.put(one, i);
            }
        }
        int[] bucketOf = all.stream().mapToInt(places::get).toArray();
        this.readiness = new BucketReadiness(bucketOf, buckets.size());
        if (group.size() > 1) {
            for (int i = 0; i < bucketOf.length; i++) {
                int parameter = i;
                arrivals.watch(all.get(i).get(), () -> arrived(parameter));
            }
        }
    }

    /// Gives all processes the tensors of rank 0.
    public static void replicate(ProcessGroup group, Map<String, Parameter> state) {
        if (group.size() == 1) {
            return;
        }
        try (GradMode _ = GradMode.disabled()) {
            for (Parameter parameter : state.values()) {
                try (Scope _ = new Scope()) {
                    // One that is not trained may lie in a mapped file.
                    Tensor copy = parameter.get().detach().contiguous().clone();
                    group.broadcast(copy);
                    if (parameter.isTrainable()) {
                        parameter.get().copy_(copy);
                    } else {
                        parameter.set(copy);
                    }
                }
            }
        }
    }

    /// Announces that the next backward passes are the last before [#forUpdate]: buckets may be sent from now on.
    public synchronized void beforeLastPasses() {
        if (group.size() > 1) {
            requireIdle();
            watching = true;
        }
    }

    private synchronized void arrived(int parameter) {
        if (watching) {
            readiness.arrives(parameter);
            for (int bucket = readiness.next(); bucket >= 0; bucket = readiness.next()) {
                pending.add(begin(buckets.get(bucket)));
            }
        }
    }

    /// Sends what has not left while the passes ran. To be called before the processes do anything else together, also
    /// by one that had nothing to do.
    ///
    /// @throws io.stencil.error.ProcessGroupException when one of the processes is gone
    public synchronized void afterLastPasses() {
        if (group.size() > 1) {
            arrivals.rethrow();
            if (watching) {
                readiness.end();
                watching = false;
            }
            while (pending.size() < buckets.size()) {
                pending.add(begin(buckets.get(pending.size())));
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
        }
        afterLastPasses();
        average();
    }

    /// Averages the gradients that an update has so far, so that those of any process cover all.
    public void withinUpdate() {
        if (group.size() > 1) {
            afterLastPasses();
            average();
        }
    }

    private void requireAll() {
        try (Scope _ = new Scope()) {
            parameters.forEach((name, parameter) -> {
                if (parameter.gradient() == null) {
                    throw new InvalidRequestException(
                            "find_unused_parameters",
                            "'%s' got no gradient on rank %s: the loss does not depend on it; leave it out of "
                                            .formatted(name, group.rank())
                                    + "--trainable_models, or give --find_unused_parameters");
                }
            });
        }
    }

    private void requireIdle() {
        if (!pending.isEmpty()) {
            throw new IllegalStateException("the gradients of an earlier update are being all-reduced");
        }
    }

    /// Holds the packed gradients of a bucket while they are all-reduced.
    private record PendingReduce(OwnedTensor packed, ProcessGroup.Pending sum) {}

    private PendingReduce begin(GradientBucket bucket) {
        try (GradMode _ = GradMode.disabled()) {
            OwnedTensor packed = bucket.pack();
            try {
                return new PendingReduce(packed, group.sumLater(packed.get()));
            } catch (RuntimeException | Error e) {
                packed.close();
                throw e;
            }
        }
    }

    /// Awaits all reductions. Buckets that were reduced too early on any process are reduced again: their gradients are
    /// still as they were.
    private void average() {
        try {
            List<Parameter> all = List.copyOf(parameters.values());
            double[] flags = group.sum(flags(all));
            for (int i = 0; i < buckets.size(); i++) {
                pending.get(i).sum().await();
                if (flags[all.size() + i] > 0) {
                    pending.get(i).packed().close();
                    pending.set(i, begin(buckets.get(i)));
                    pending.get(i).sum().await();
                }
            }
            Set<Parameter> used = Collections.newSetFromMap(new IdentityHashMap<>());
            for (int i = 0; i < all.size(); i++) {
                if (flags[i] > 0) {
                    used.add(all.get(i));
                }
            }
            unpack(used);
        } finally {
            abandonPending();
        }
    }

    /// Flags each parameter that has a gradient here, then each bucket that is stale: 1 or 0.
    private double[] flags(List<Parameter> all) {
        double[] flags = new double[all.size() + buckets.size()];
        try (Scope _ = new Scope()) {
            for (int i = 0; i < all.size(); i++) {
                flags[i] = all.get(i).gradient() == null ? 0 : 1;
            }
        }
        for (int i = 0; i < buckets.size(); i++) {
            flags[all.size() + i] = readiness.isStale(i) ? 1 : 0;
        }
        return flags;
    }

    private void unpack(Set<Parameter> used) {
        try (GradMode _ = GradMode.disabled()) {
            for (int i = 0; i < buckets.size(); i++) {
                try (Scope _ = new Scope()) {
                    Tensor mean = pending.get(i).packed().get().mul_(new Scalar(1.0 / group.size()));
                    buckets.get(i).unpack(mean, used::contains);
                }
                pending.get(i).packed().close();
            }
        }
    }

    private void abandonPending() {
        pending.forEach(reduce -> {
            reduce.sum().abandon();
            reduce.packed().close();
        });
        pending.clear();
        readiness.reset();
    }

    @Override
    public void close() {
        arrivals.close();
        abandonPending();
    }

    /// Finds, while the last backward passes of an update run, which buckets of gradients are whole.
    ///
    /// A parameter may get gradients several times within an update: from each sample, and from each checkpointed
    /// segment that uses it. How often is learnt from the updates before. A bucket is whole when each of its
    /// parameters got as many as ever, and buckets count as whole in their order only, so that all processes send
    /// them in one order. One that gets more than ever after its bucket was sent makes that stale: it is to be sent
    /// again.
    static final class BucketReadiness {

        private static final int NONE = -1;

        private final int[] bucketOf;
        private final int[] most;
        private final int[] got;
        private final int[] awaited;
        private final boolean[] stale;
        private boolean learnt;
        private int arriving = NONE;
        private int sent;

        /// @param bucketOf number of the bucket of each parameter
        BucketReadiness(int[] bucketOf, int buckets) {
            this.bucketOf = bucketOf.clone();
            most = new int[bucketOf.length];
            got = new int[bucketOf.length];
            awaited = new int[buckets];
            stale = new boolean[buckets];
            reset();
        }

        /// Begins with the last passes of another update.
        void reset() {
            Arrays.fill(got, 0);
            Arrays.fill(stale, false);
            Arrays.fill(awaited, 0);
            for (int parameter = 0; parameter < bucketOf.length; parameter++) {
                awaited[bucketOf[parameter]] += most[parameter] > 0 ? 1 : 0;
            }
            arriving = NONE;
            sent = 0;
        }

        /// Marks a parameter whose gradient is about to be added; that of the parameter marked before is added by now.
        void arrives(int parameter) {
            settle();
            arriving = parameter;
            stale[bucketOf[parameter]] |= bucketOf[parameter] < sent;
        }

        private void settle() {
            if (arriving != NONE && ++got[arriving] == most[arriving]) {
                awaited[bucketOf[arriving]]--;
            }
            arriving = NONE;
        }

        /// The number of the next bucket that is to be sent now, once; -1 when none is.
        int next() {
            return learnt && sent < awaited.length && awaited[sent] == 0 && !isArriving(sent) ? sent++ : NONE;
        }

        private boolean isArriving(int bucket) {
            return arriving != NONE && bucketOf[arriving] == bucket;
        }

        /// The passes are over: learns from them.
        void end() {
            settle();
            for (int parameter = 0; parameter < got.length; parameter++) {
                most[parameter] = Math.max(most[parameter], got[parameter]);
            }
            learnt |= Arrays.stream(got).anyMatch(count -> count > 0);
        }

        /// Whether a gradient came to a bucket after it was sent.
        boolean isStale(int bucket) {
            return stale[bucket];
        }
    }

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
                return new OwnedTensor(
                        parameters.size() == 1 ? packed.clone() : packed); // one is its own concatenation
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
}
