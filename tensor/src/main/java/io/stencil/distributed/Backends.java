package io.stencil.distributed;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.ProcessGroupException;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Objects;
import org.bytedeco.javacpp.chrono.Milliseconds;
import org.bytedeco.pytorch.Backend;
import org.bytedeco.pytorch.GlooDeviceVector;
import org.bytedeco.pytorch.PrefixStore;
import org.bytedeco.pytorch.ProcessGroupGloo;

/// The backends of libtorch by device: Gloo for CPUs, NCCL for GPUs.
final class Backends {

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
            Backend backend = device.kind() == Device.Kind.CUDA ? nccl(names, environment) : gloo(names, environment);
            backend.retainReference();
            return backend;
        }
    }

    private static Backend gloo(PrefixStore names, ProcessEnvironment environment) {
        ProcessGroupGloo.Options options = ProcessGroupGloo.Options.create(new Milliseconds(CONNECTING.toMillis()));
        try {
            options.devices(new GlooDeviceVector(glooDevice(environment)));
            ProcessGroupGloo gloo = new ProcessGroupGloo(names, environment.rank(), environment.worldSize(), options);
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
            return new org.bytedeco.pytorch.nccl.ProcessGroupNCCL(names, environment.rank(), environment.worldSize());
        }
    }
}
