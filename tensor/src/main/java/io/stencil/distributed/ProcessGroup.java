package io.stencil.distributed;

import io.stencil.error.InvalidRequestException;
import io.stencil.files.Sha256;
import io.stencil.tensor.Device;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.bytedeco.pytorch.Tensor;

/// Processes that work on one thing. All of them make the same calls in the same order, one after the other.
///
/// ```java
/// try (ProcessGroup group = ProcessGroup.join(ProcessEnvironment.of(System.getenv()), Device.CPU)) {
///     group.sum(gradient);
/// }
/// ```
/// Every call that waits for others throws a [io.stencil.error.ProcessGroupException] soon after one of them is gone.
public interface ProcessGroup extends AutoCloseable {

    /// Meets the others. They speak by Gloo on CPUs and by NCCL on GPUs.
    ///
    /// @param device on which the tensors are
    /// @throws io.stencil.error.ProcessGroupException when not all come in time
    /// @throws InvalidRequestException when this build of libtorch cannot do it
    static ProcessGroup join(ProcessEnvironment environment, Device device) {
        return environment.isShared() ? TorchProcessGroup.join(environment, device) : new SingleProcess();
    }

    /// Number of this process, from 0.
    int rank();

    /// Number of processes.
    int size();

    /// Whether this process is the one that writes files and logs.
    default boolean isFirst() {
        return rank() == 0;
    }

    /// Adds up a tensor over all processes, in place.
    default void sum(Tensor tensor) {
        sumLater(tensor).await();
    }

    /// Begins to add up a tensor over all processes, in place. It must neither be changed nor freed before
    /// [Pending#await].
    Pending sumLater(Tensor tensor);

    /// Adds up numbers over all processes.
    double[] sum(double... values);

    /// Gives all processes the tensor of rank 0, in place.
    void broadcast(Tensor tensor);

    /// The number that rank 0 gave.
    long agree(long own);

    /// Whether any of the processes says so.
    default boolean any(boolean own) {
        return sum(own ? 1 : 0)[0] > 0;
    }

    /// Refuses to go on with processes that were given different things.
    ///
    /// @param option to name
    /// @param text that must be the same everywhere
    /// @throws InvalidRequestException on all processes when it is not
    default void requireAlike(String option, String text) {
        long own = hash(text);
        if (any(agree(own) != own)) {
            throw new InvalidRequestException(
                    option, "is not the same in all %s processes; start all with the same options".formatted(size()));
        }
    }

    private static long hash(String text) {
        return ByteBuffer.wrap(Sha256.digest().digest(text.getBytes(StandardCharsets.UTF_8)))
                .getLong();
    }

    /// Reports a failure of this process to the others, so that they need not wait for a timeout. Failures that came
    /// from them are not sent back.
    void fail(Throwable fault);

    /// Leaves the group; the others must have come to their end too, or have been notified by [#fail].
    @Override
    void close();

    /// Work that the processes do beside this one's.
    @FunctionalInterface
    interface Pending {

        /// Waits until it is done.
        ///
        /// @throws io.stencil.error.ProcessGroupException when one of the processes is gone
        void await();

        /// Waits no more, where an exception ends the work before [#await]; frees what was held for it. After [#await]
        /// it does nothing.
        default void abandon() {}
    }

    /// A group of one.
    final class SingleProcess implements ProcessGroup {

        @Override
        public int rank() {
            return 0;
        }

        @Override
        public int size() {
            return 1;
        }

        @Override
        public Pending sumLater(Tensor tensor) {
            return () -> {};
        }

        @Override
        public double[] sum(double... values) {
            return values.clone();
        }

        @Override
        public void broadcast(Tensor tensor) {}

        @Override
        public long agree(long own) {
            return own;
        }

        @Override
        public void fail(Throwable fault) {}

        @Override
        public void close() {}
    }
}
