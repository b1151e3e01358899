package io.stencil.distributed;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.NameList;
import io.stencil.error.ProcessGroupException;
import io.stencil.tensor.Device;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Backend;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.Work;

/// Processes that speak through one of libtorch's backends.
///
/// The backend's own timeout plays no part: a rank may take long to write a checkpoint. Who waits looks at the
/// [Heartbeat] meanwhile.
final class TorchProcessGroup implements ProcessGroup {

    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final long POLL_NANOS = 50_000;
    private static final Duration POLL_JOIN = Duration.ofMillis(50);

    private final ProcessEnvironment environment;
    private final Device device;
    private final Rendezvous store;
    private final Heartbeat heartbeat;
    private final Backend backend;

    private TorchProcessGroup(
            ProcessEnvironment environment, Device device, Rendezvous store, Heartbeat heartbeat, Backend backend) {
        this.environment = environment;
        this.device = device;
        this.store = store;
        this.heartbeat = heartbeat;
        this.backend = backend;
    }

    static TorchProcessGroup join(ProcessEnvironment environment, Device device) {
        return join(environment, device, PATIENCE);
    }

    /// @param patience for the others to come
    static TorchProcessGroup join(ProcessEnvironment environment, Device device, Duration patience) {
        ProcessEnvironment.Meeting meeting = Objects.requireNonNull(environment.meeting());
        boolean host = environment.rank() == 0 && !meeting.hostedElsewhere();
        Rendezvous store = Rendezvous.connect(meeting, host, patience);
        try {
            awaitAll(store, environment, patience);
            Heartbeat heartbeat = new Heartbeat(Rendezvous.connect(meeting, false, patience), environment);
            heartbeat.start();
            try {
                Backend backend = Backends.open(store, environment, device);
                return new TorchProcessGroup(environment, device, store, heartbeat, backend);
            } catch (RuntimeException | Error e) {
                heartbeat.close();
                throw e;
            }
        } catch (RuntimeException | Error e) {
            store.close();
            throw e;
        }
    }

    private static void awaitAll(Rendezvous store, ProcessEnvironment environment, Duration patience) {
        int size = environment.worldSize();
        if (store.add("rank/" + environment.rank(), 1) != 1) {
            throw new InvalidRequestException(
                    ProcessEnvironment.RANK,
                    "%s is taken by another process; each needs its own, from 0 to %s"
                            .formatted(environment.rank(), size - 1));
        }
        if (store.add("first", 1) == 1) {
            store.add("size", size);
        }
        store.add("joined", 1);
        long began = System.nanoTime();
        while (store.read("joined") < size || store.read("size") == 0) {
            if (System.nanoTime() - began > patience.toNanos()) {
                List<String> missing = IntStream.range(0, size)
                        .filter(rank -> store.read("rank/" + rank) == 0)
                        .mapToObj(Integer::toString)
                        .toList();
                throw new ProcessGroupException(
                        "rank %s of %s did not come within %s s; start all ranks at about the same time"
                                .formatted(NameList.of(missing), size, patience.toSeconds()));
            }
            LockSupport.parkNanos(POLL_JOIN.toNanos());
        }
        long agreed = store.read("size");
        if (agreed != size) {
            throw new InvalidRequestException(
                    ProcessEnvironment.WORLD_SIZE,
                    "is %s in the environment of rank %s, but %s for another rank; give all the same"
                            .formatted(size, environment.rank(), agreed));
        }
    }

    @Override
    public int rank() {
        return environment.rank();
    }

    @Override
    public int size() {
        return environment.worldSize();
    }

    @Override
    public Pending sumLater(Tensor tensor) {
        heartbeat.check();
        OwnedTensor held = new OwnedTensor(tensor);
        try (Scope _ = new Scope()) {
            Work work = begin(() -> backend.allreduce(new TensorVector(tensor)));
            work.retainReference();
            return new Sum(work, held);
        } catch (RuntimeException | Error e) {
            held.close();
            throw e;
        }
    }

    private final class Sum implements Pending {
        private final Work work;
        private final OwnedTensor held;
        private boolean freed;

        Sum(Work work, OwnedTensor held) {
            this.work = work;
            this.held = held;
        }

        @Override
        public void await() {
            try {
                TorchProcessGroup.this.await(work);
            } finally {
                abandon();
            }
        }

        /// libtorch holds the tensor itself until the work is over.
        @Override
        public void abandon() {
            if (!freed) {
                freed = true;
                work.releaseReference();
                held.close();
            }
        }
    }

    @Override
    public double[] sum(double... values) {
        try (Scope _ = new Scope()) {
            Tensor sums = device.place(Tensors.of(values, values.length));
            sum(sums);
            return Tensors.toDoubles(sums);
        }
    }

    @Override
    public void broadcast(Tensor tensor) {
        heartbeat.check();
        try (Scope _ = new Scope()) {
            await(begin(() -> backend.broadcast(new TensorVector(tensor))));
        }
    }

    @Override
    public long agree(long own) {
        try (Scope _ = new Scope()) {
            Tensor number = device.place(Tensors.of(new long[] {own}, 1));
            broadcast(number);
            return Tensors.toLongs(number)[0];
        }
    }

    private interface Beginning {
        Work begin();
    }

    private Work begin(Beginning beginning) {
        try {
            return beginning.begin();
        } catch (RuntimeException e) {
            throw heartbeat.explain(e);
        }
    }

    private void await(Work work) {
        while (!work.isCompleted()) {
            heartbeat.check();
            LockSupport.parkNanos(POLL_NANOS);
        }
        try {
            work._wait();
        } catch (RuntimeException e) {
            throw heartbeat.explain(e);
        }
    }

    @Override
    public void fail(Throwable fault) {
        if (!(fault instanceof ProcessGroupException)) {
            String reason =
                    String.valueOf(fault.getMessage()).lines().findFirst().orElse(""); // without a native trace
            heartbeat.tell("rank %s failed (%s)".formatted(rank(), reason));
        }
    }

    @Override
    public void close() {
        heartbeat.close();
        backend.releaseReference();
        store.close();
    }
}
