package io.stencil.nn;

import io.stencil.error.InvalidStateException;
import io.stencil.gguf.BlockType;
import io.stencil.safetensors.TensorEntry;
import io.stencil.safetensors.TensorSource;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
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
    record MappedFile(Owned owned, WeightFile file) implements Resident {}

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
            this.values = values.map(tensor -> {
                OwnedTensor owned = new OwnedTensor(tensor);
                tensors.add(owned);
                return owned.get();
            });
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

    /// A weight in a mapped file, which can be read any number of times.
    ///
    /// @param name of the tensor in the file
    /// @param plain dtype of the weight when it is read and not quantized; in float8 it gets a scale for each row,
    ///     unless the file has it in float8
    /// @param device where it is put then
    /// @param staysQuantized whether a matrix that the file has in blocks, or in float8 with a scale, stays so
    record StoredWeight(WeightFile file, String name, DType plain, Device device, boolean staysQuantized) {

        long[] shape() {
            return source().entry(name).dims();
        }

        /// The dtype when it is read.
        DType dtype() {
            TensorEntry entry = source().entry(name);
            if (!restsQuantized()) {
                return plain;
            }
            return DType.of(entry.dtype()).orElse(DType.FLOAT32);
        }

        Optional<String> quantization() {
            return restsQuantized() && source().entry(name).dtype() instanceof BlockType type
                    ? Optional.of(type.formatName())
                    : Optional.of("float8").filter(_ -> dtype().bytes() == 1 && dtype().isFloatingPoint());
        }

        private boolean restsQuantized() {
            return staysQuantized
                    && (isMatrixOfBlocks() || Float8Scale.of(source(), name).isPresent());
        }

        /// Whether rows are whole blocks; of tensors that were reshaped to fill blocks they need not be.
        private boolean isMatrixOfBlocks() {
            TensorEntry entry = source().entry(name);
            return entry.dtype() instanceof BlockType type
                    && entry.shape().size() == 2
                    && entry.shape().getLast() % type.elements() == 0;
        }

        private TensorSource source() {
            return file.source;
        }

        /// @return a view of the file when neither dtype nor device differs, else a copy, which leaves no pages of the
        ///     file behind: no more than one weight lies in memory twice. The caller closes it
        Resident read() {
            try (Scope _ = new Scope()) {
                WeightValues values = values();
                if (TensorFiles.isView(values.tensors().getFirst(), source(), name)) {
                    return new MappedFile(new Owned(values), file);
                }
                dropPages();
                return new InMemory(new Owned(values));
            }
        }

        private WeightValues values() {
            WeightValues stored = stored();
            if (restsQuantized()) {
                return stored.on(device);
            }
            if (!(stored instanceof WeightValues.Plain(Tensor view))) {
                return new WeightValues.Plain(device.place(stored.in(plain)));
            }
            if (plain == DType.FLOAT8_E4M3FN && DType.of(view) != plain) {
                return WeightValues.Float8.of(view).on(device);
            }
            Tensor placed = device.place(view, plain);
            // A counter of eight bytes is no reason to keep a file mapped.
            return new WeightValues.Plain(plain.isFloatingPoint() ? placed : placed.clone());
        }

        /// The values as they lie in the file, on the CPU; views of it, but for blocks that do not fill rows.
        private WeightValues stored() {
            TensorEntry entry = source().entry(name);
            if (entry.dtype() instanceof BlockType type) {
                return isMatrixOfBlocks()
                        ? new WeightValues.Blocks(
                                TensorFiles.byteView(source(), name),
                                type,
                                entry.shape().getFirst(),
                                entry.shape().getLast(),
                                Device.CPU)
                        : new WeightValues.Plain(TensorFiles.widened(source(), name, type));
            }
            Tensor view = TensorFiles.view(source(), name);
            return Float8Scale.of(source(), name)
                    .<WeightValues>map(scale -> new WeightValues.Float8(view, scale.read(source())))
                    .orElseGet(() -> new WeightValues.Plain(view));
        }

        /// Reads some rows of a matrix; the others are neither read nor brought to the dtype.
        private Tensor rows(Tensor ids) {
            return device.place(stored().rows(Device.CPU.place(ids)), plain);
        }

        /// Takes the weight's part of the file out of this process's memory; it comes back when it is read.
        private void dropPages() {
            source().dropPages(name);
        }
    }

    /// A file of weights, which stays mapped until its module and all [leases][#lease] are closed.
    final class WeightFile implements AutoCloseable {
        private final TensorSource source;
        private int users = 1;

        WeightFile(TensorSource source) {
            this.source = source;
        }

        /// Whether the file holds a tensor of this name.
        boolean has(String name) {
            return source.entries().containsKey(name);
        }

        /// Keeps the file mapped until the innermost scope of this thread is closed, where one is open.
        ///
        /// @throws InvalidStateException when it is not mapped any more
        synchronized void lease() {
            if (users == 0) {
                throw new InvalidStateException("the file of the weights was closed; load the model again");
            }
            if (Scope.onClose(this::close)) {
                users++;
            }
        }

        /// Ends the use by the module, or by a lease.
        @Override
        public synchronized void close() {
            if (users > 0 && --users == 0) {
                source.close();
            }
        }
    }
}
