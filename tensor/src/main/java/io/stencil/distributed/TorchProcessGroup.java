package io.stencil.distributed;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.error.ProcessGroupException;
import io.stencil.tensor.Device;
import io.stencil.tensor.Libtorch;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.chrono.Milliseconds;
import org.bytedeco.pytorch.Backend;
import org.bytedeco.pytorch.GlooDeviceVector;
import org.bytedeco.pytorch.PrefixStore;
import org.bytedeco.pytorch.ProcessGroupGloo;
import org.bytedeco.pytorch.Store;
import org.bytedeco.pytorch.TCPStore;
import org.bytedeco.pytorch.TCPStoreOptions;
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
            heartbeat.report("rank %s failed (%s)".formatted(rank(), reason));
        }
    }

    @Override
    public void close() {
        heartbeat.close();
        backend.releaseReference();
        store.close();
    }

    /// The backends of libtorch by device: Gloo for CPUs, NCCL for GPUs.
    static final class Backends {

        private static final Duration CONNECTING = Duration.ofMinutes(5);

        /// Never reached: death is found out by the [Heartbeat].
        private static final Duration NO_TIMEOUT = Duration.ofDays(20);

        /// Names the network interface that Gloo is to use, as in PyTorch.
        private static final String INTERFACE = "GLOO_SOCKET_IFNAME";

        private Backends() {}

        /// @return owned by the caller, who releases it
        static Backend open(Rendezvous store, ProcessEnvironment environment, Device device) {
            try (Scope _ = new Scope()) {
                PrefixStore names = store.forBackend();
                Backend backend =
                        device.kind() == Device.Kind.CUDA ? nccl(names, environment) : gloo(names, environment);
                backend.retainReference();
                return backend;
            }
        }

        private static Backend gloo(PrefixStore names, ProcessEnvironment environment) {
            ProcessGroupGloo.Options options = ProcessGroupGloo.Options.create(new Milliseconds(CONNECTING.toMillis()));
            try {
                options.devices(new GlooDeviceVector(glooDevice(environment)));
                ProcessGroupGloo gloo =
                        new ProcessGroupGloo(names, environment.rank(), environment.worldSize(), options);
                gloo.setTimeout(new Milliseconds(NO_TIMEOUT.toMillis()));
                return gloo;
            } catch (RuntimeException e) {
                throw new ProcessGroupException(
                        "rank %s cannot connect to the others by Gloo (%s); GLOO_SOCKET_IFNAME may name the network interface"
                                .formatted(environment.rank(), Rendezvous.firstLine(e)),
                        e);
            }
        }

        private static org.bytedeco.pytorch.gloo.Device glooDevice(ProcessEnvironment environment) {
            String named = System.getenv(INTERFACE);
            if (named != null && !named.isBlank()) {
                return ProcessGroupGloo.createDeviceForInterface(named.strip());
            }
            String address = Objects.requireNonNull(environment.meeting()).address();
            return isLoopback(address)
                    ? ProcessGroupGloo.createDeviceForHostname(address)
                    : ProcessGroupGloo.createDefaultDevice();
        }

        private static boolean isLoopback(String address) {
            try {
                return InetAddress.getByName(address).isLoopbackAddress();
            } catch (UnknownHostException _) {
                return false;
            }
        }

        private static Backend nccl(PrefixStore names, ProcessEnvironment environment) {
            try {
                return Nccl.open(names, environment);
            } catch (LinkageError e) {
                throw new InvalidRequestException(
                        Location.ofField("device"),
                        "training in several processes on GPUs needs NCCL, which this build of libtorch does not "
                                + "have; build with -Pcuda, or train on the CPU with --device cpu",
                        e);
            }
        }

        /// Apart, so that its class is looked for only where there are GPUs.
        private static final class Nccl {
            static Backend open(PrefixStore names, ProcessEnvironment environment) {
                return new org.bytedeco.pytorch.nccl.ProcessGroupNCCL(
                        names, environment.rank(), environment.worldSize());
            }
        }
    }

    /// Connects to the key-value store through which the processes of a group find each other (c10d rendezvous).
    ///
    /// The bindings make stores by plain `new` and free them by `delete`, while libtorch counts owners of what it is
    /// handed and deletes it with the last. A store has one of the two fates here: [#names] is deleted by this object
    /// and never handed on, every other is handed on once by [#handOver] and belongs to libtorch from then on.
    static final class Rendezvous implements AutoCloseable {

        private final String prefix;
        private final PrefixStore names;

        private Rendezvous(TCPStore connection, String prefix) {
            this.prefix = prefix;
            this.names = new PrefixStore(prefix, handOver(connection));
            names.retainReference();
        }

        /// Keeps Java from deleting a store that its next user will own: neither the end of a scope nor the collector
        /// may.
        private static <S extends Store> S handOver(S store) {
            store.retainReference();
            store.deallocate(false);
            return store;
        }

        /// @param host whether this process is the one that answers at the address
        /// @param patience for the host to come
        /// @throws ProcessGroupException when nobody answers there
        static Rendezvous connect(ProcessEnvironment.Meeting meeting, boolean host, Duration patience) {
            Libtorch.load();
            try (Scope _ = new Scope()) {
                TCPStoreOptions options = new TCPStoreOptions();
                options.port((short) meeting.port()); // unsigned 16 bits
                options.isServer(host);
                options.waitWorkers(false);
                options.timeout(new Milliseconds(patience.toMillis()));
                return new Rendezvous(new TCPStore(meeting.address(), options), meeting.prefix());
            } catch (RuntimeException e) {
                throw new ProcessGroupException(
                        "%s:%s (MASTER_ADDR, MASTER_PORT): %s: %s"
                                .formatted(
                                        meeting.address(),
                                        meeting.port(),
                                        host ? "rank 0 cannot answer there" : "rank 0 does not answer",
                                        firstLine(e)),
                        e);
            }
        }

        /// What libtorch says, without its trace.
        static String firstLine(RuntimeException fault) {
            return String.valueOf(fault.getMessage()).lines().findFirst().orElse("no reason given");
        }

        /// Adds to a number, which begins at 0, and returns the sum.
        long add(String name, long amount) {
            return names.add(name, amount);
        }

        long read(String name) {
            return add(name, 0);
        }

        void write(String name, String text) {
            names.set(name, text);
        }

        /// A text that is there.
        String text(String name) {
            return names.get_to_str(name);
        }

        /// Names of their own for the backend, on the same connection.
        ///
        /// @return to be handed to one backend, which owns it and frees it
        PrefixStore forBackend() {
            return handOver(new PrefixStore(prefix + "backend/", names.getUnderlyingStore()));
        }

        @Override
        public void close() {
            names.releaseReference();
        }
    }
}
