package io.stencil.pipeline.models;

import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.ToLongFunction;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/// Caches results that follow from their inputs alone, such as prompt embeddings, within a bound in bytes: the least
/// recently used go first. It owns copies of their tensors until [#close].
///
/// A result that is found is bit-equal to the one that was put. Threads may share a cache.
public final class EncodingCache implements AutoCloseable {

    /// A kind of results.
    ///
    /// @param <T> of the results
    public static final class Kind<T> {

        private final BiFunction<T, UnaryOperator<Tensor>, T> map;
        private final ToLongFunction<T> javaBytes;

        /// @param map replaces every tensor of a result
        /// @param javaBytes memory of a result beside its tensors
        public Kind(BiFunction<T, UnaryOperator<Tensor>, T> map, ToLongFunction<T> javaBytes) {
            this.map = map;
            this.javaBytes = javaBytes;
        }
    }

    private record Key(Kind<?> kind, Object inputs) {}

    private record Entry(Object result, List<OwnedTensor> tensors, long bytes) {
        void free() {
            tensors.forEach(OwnedTensor::close);
        }
    }

    /// Caches nothing.
    public static final EncodingCache NONE = new EncodingCache(0);

    private final long maxBytes;
    private final Map<Key, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);
    private long bytes;
    private boolean closed;

    /// @param maxBytes bound of all results together; 0 caches nothing
    EncodingCache(long maxBytes) {
        this.maxBytes = maxBytes;
    }

    /// Whether anything is cached at all.
    public boolean isEnabled() {
        return maxBytes > 0;
    }

    /// Bytes of all results that are cached now.
    public synchronized long bytes() {
        return bytes;
    }

    /// Finds the result of inputs.
    ///
    /// @param inputs of all that the result follows from, with `equals` by content
    /// @return tensors to be read only, owned by the caller's scope
    @SuppressWarnings("unchecked") // a key of the kind has a result of its type
    public synchronized <T> Optional<T> find(Kind<T> kind, Object inputs) {
        Entry entry = entries.get(new Key(kind, inputs));
        return entry == null
                ? Optional.empty()
                : Optional.of(kind.map.apply((T) entry.result, tensor -> new Tensor(tensor)));
    }

    /// Caches the result of inputs, where the bound allows it.
    ///
    /// @return what [#find] gives from now on; `result` itself where it is too large
    public <T> T put(Kind<T> kind, Object inputs, T result) {
        long size = bytes(kind, result);
        if (size > maxBytes) {
            return result;
        }
        List<OwnedTensor> tensors = new ArrayList<>();
        T copy;
        try (Scope _ = new Scope()) {
            copy = kind.map.apply(result, tensor -> {
                OwnedTensor owned = new OwnedTensor(tensor.detach().clone());
                tensors.add(owned);
                return owned.get();
            });
        } catch (RuntimeException | Error e) {
            tensors.forEach(OwnedTensor::close);
            throw e;
        }
        add(new Key(kind, inputs), new Entry(copy, tensors, size));
        return find(kind, inputs).orElse(result);
    }

    private static <T> long bytes(Kind<T> kind, T result) {
        long[] sum = {kind.javaBytes.applyAsLong(result)};
        T _ = kind.map.apply(result, tensor -> {
            sum[0] += tensor.nbytes();
            return tensor;
        });
        return sum[0];
    }

    private synchronized void add(Key key, Entry entry) {
        if (closed) {
            entry.free();
            return;
        }
        Entry before = entries.put(key, entry);
        bytes += entry.bytes;
        if (before != null) {
            bytes -= before.bytes;
            before.free();
        }
        Iterator<Entry> oldest = entries.values().iterator();
        while (bytes > maxBytes) {
            Entry evicted = oldest.next();
            oldest.remove();
            bytes -= evicted.bytes;
            evicted.free();
        }
    }

    /// Frees all results, such as those that depend on weights which change.
    public synchronized void clear() {
        entries.values().forEach(Entry::free);
        entries.clear();
        bytes = 0;
    }

    /// Frees all results; nothing is cached from now on.
    @Override
    public synchronized void close() {
        closed = true;
        clear();
    }
}
