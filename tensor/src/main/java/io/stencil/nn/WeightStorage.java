package io.stencil.nn;

import io.stencil.error.InvalidStateException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import io.stencil.tensor.WeightValues;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Where the content of a parameter is: in memory, in a mapped file, or on disk until its use. How its values are
/// encoded is another question: see [WeightValues].
///
/// A storage owns its native memory until it is closed. Another place, such as rows of another parameter, is another
/// case.
sealed interface WeightStorage extends AutoCloseable {

    DType dtype();

    long[] shape();

    /// The [quantization][WeightValues#quantization] of the content; empty for none.
    Optional<String> quantization();

    /// Where the content lies, or will when it is read.
    Device device();

    /// The content, which is read now where it is on disk.
    Resident content();

    /// What this thread has in memory, or null when that is nothing.
    @Nullable
    Resident inMemory();

    /// Whether any thread has the content in memory.
    boolean isInMemory();

    /// Some rows of a matrix; of one on disk no other row is read.
    ///
    /// @param ids int64, any shape
    /// @return [..., columns], in [#dtype] and on [#device], owned by the caller's scope
    Tensor rows(Tensor ids);

    /// Frees what this thread has of an offloaded weight until its next use; of any other it frees nothing.
    default void evict() {}

    @Override
    void close();

    /// Content that is there without reading.
    sealed interface Resident extends WeightStorage {

        Owned owned();

        default WeightValues values() {
            return owned().values;
        }

        /// Of a quantized weight its first tensor: float8 without scale, or bytes.
        default Tensor tensor() {
            return values().tensors().getFirst();
        }

        @Override
        default DType dtype() {
            return values().dtype();
        }

        @Override
        default long[] shape() {
            return values().shape();
        }

        @Override
        default Optional<String> quantization() {
            return values().quantization();
        }

        @Override
        default Device device() {
            return values().device();
        }

        @Override
        default Resident content() {
            return this;
        }

        @Override
        default Resident inMemory() {
            return this;
        }

        @Override
        default boolean isInMemory() {
            return !tensor().is_meta();
        }

        @Override
        default Tensor rows(Tensor ids) {
            return values().rows(ids);
        }

        @Override
        default void close() {
            owned().close();
        }
    }

    /// Memory of its own, which may be written; at first a tensor on the Meta device, which takes none.
    record InMemory(Owned owned) implements Resident {

        static InMemory of(Tensor tensor) {
            return new InMemory(new Owned(new WeightValues.Plain(tensor)));
        }
    }

    /// A view of a mapped file, which must not be written.
    record MappedFile(Owned owned, StoredWeight.WeightFile file) implements Resident {}

    /// Content that lies in a file until it is used.
    sealed interface Stored extends WeightStorage {

        StoredWeight weight();

        @Override
        default DType dtype() {
            return weight().dtype();
        }

        @Override
        default long[] shape() {
            return weight().shape();
        }

        @Override
        default Optional<String> quantization() {
            return weight().quantization();
        }

        @Override
        default Device device() {
            return weight().device();
        }
    }

    /// Read at the first use, for all threads, and kept.
    final class OnDisk implements Stored {
        private final StoredWeight weight;
        private volatile @Nullable Resident read;
        private boolean closed;

        OnDisk(StoredWeight weight) {
            this.weight = weight;
        }

        @Override
        public StoredWeight weight() {
            return weight;
        }

        @Override
        public Resident content() {
            Resident found = read;
            return found == null ? readForAll() : found;
        }

        private synchronized Resident readForAll() {
            Resident found = read;
            if (closed) {
                throw Closed.fault();
            }
            if (found == null) {
                found = weight.read();
                read = found;
            }
            return found;
        }

        @Override
        public @Nullable Resident inMemory() {
            return read;
        }

        @Override
        public boolean isInMemory() {
            return read != null;
        }

        @Override
        public Tensor rows(Tensor ids) {
            Resident found = read;
            return found == null ? weight.rows(ids) : found.rows(ids);
        }

        @Override
        public synchronized void close() {
            Resident found = read;
            closed = true;
            read = null;
            if (found != null) {
                found.close();
            }
        }
    }

    /// Read at each use, for each thread its own: a thread that is done with the weight takes nothing from
    /// another that is not.
    final class Offloaded implements Stored {
        private final StoredWeight weight;
        private final Map<Thread, Resident> threads = new ConcurrentHashMap<>(0);
        private final ReadWriteLock reads = new ReentrantReadWriteLock();
        private boolean closed;

        Offloaded(StoredWeight weight) {
            this.weight = weight;
        }

        @Override
        public StoredWeight weight() {
            return weight;
        }

        @Override
        public Resident content() {
            reads.readLock().lock(); // a close waits for reads, and what is read after it would never be freed
            try {
                if (closed) {
                    throw Closed.fault();
                }
                return threads.computeIfAbsent(Thread.currentThread(), _ -> weight.read());
            } finally {
                reads.readLock().unlock();
            }
        }

        @Override
        public @Nullable Resident inMemory() {
            return threads.get(Thread.currentThread());
        }

        @Override
        public boolean isInMemory() {
            return !threads.isEmpty();
        }

        @Override
        public Tensor rows(Tensor ids) {
            Resident found = inMemory();
            if (found != null) {
                return found.rows(ids);
            }
            Tensor rows = weight.rows(ids);
            weight.dropPages();
            return rows;
        }

        @Override
        public void evict() {
            Resident found = threads.remove(Thread.currentThread());
            if (found == null) {
                return;
            }
            try (found) {
                if (found instanceof MappedFile) {
                    weight.dropPages(); // views of it stay valid: the pages come back when they are read
                }
            }
        }

        @Override
        public void close() {
            reads.writeLock().lock();
            try {
                closed = true;
                threads.values().removeIf(content -> {
                    content.close();
                    return true;
                });
            } finally {
                reads.writeLock().unlock();
            }
        }
    }

    /// Nothing any more: its module was closed.
    record Closed() implements WeightStorage {

        private static InvalidStateException fault() {
            return Parameter.closed();
        }

        @Override
        public DType dtype() {
            throw fault();
        }

        @Override
        public long[] shape() {
            throw fault();
        }

        @Override
        public Optional<String> quantization() {
            throw fault();
        }

        @Override
        public Device device() {
            throw fault();
        }

        @Override
        public Resident content() {
            throw fault();
        }

        @Override
        public Resident inMemory() {
            throw fault();
        }

        @Override
        public boolean isInMemory() {
            throw fault();
        }

        @Override
        public Tensor rows(Tensor ids) {
            throw fault();
        }

        @Override
        public void close() {}
    }

    /// Values that live until closed, whatever scope they were made in.
    final class Owned implements AutoCloseable {
        private final List<OwnedTensor> tensors = new ArrayList<>();
        private final WeightValues values;

        Owned(WeightValues values) {
            try {
                this.values = values.map(tensor -> {
                    OwnedTensor owned = new OwnedTensor(tensor);
                    tensors.add(owned);
                    return owned.get();
                });
            } catch (RuntimeException fault) {
                close();
                throw fault;
            }
        }

        /// Keeps the values in memory until the innermost scope of this thread is closed, where one is open.
        void share() {
            tensors.forEach(tensor -> Scope.share(tensor.get()));
        }

        @Override
        public void close() {
            tensors.forEach(OwnedTensor::close);
        }
    }
}
