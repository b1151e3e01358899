package io.stencil.distributed;

import io.stencil.error.ProcessGroupException;
import io.stencil.tensor.Libtorch;
import io.stencil.tensor.Scope;
import java.time.Duration;
import org.bytedeco.javacpp.chrono.Milliseconds;
import org.bytedeco.pytorch.PrefixStore;
import org.bytedeco.pytorch.Store;
import org.bytedeco.pytorch.TCPStore;
import org.bytedeco.pytorch.TCPStoreOptions;

/// Connects to the key-value store through which the processes of a group find each other (c10d rendezvous).
///
/// The bindings make stores by plain `new` and free them by `delete`, while libtorch counts owners of what it is
/// handed and deletes it with the last. A store has one of the two fates here: [#names] is deleted by this object
/// and never handed on, every other is handed on once by [#handOver] and belongs to libtorch from then on.
final class Rendezvous implements AutoCloseable {

    private final String prefix;
    private final PrefixStore names;

    private Rendezvous(TCPStore connection, String prefix) {
        this.prefix = prefix;
        this.names = new PrefixStore(prefix, handOver(connection));
        names.retainReference();
    }

    /// Keeps Java from deleting a store that its next user will own: neither the end of a scope nor the collector may.
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
