package io.stencil.nn;

import io.stencil.autograd.FrozenWeight;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.RestingWeight;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// One tensor of a module: a weight that can be trained, or a buffer (statistics, counters) that cannot.
///
/// It begins on the Meta device, with a shape and no memory, and gets content by loading or by [#initialize]. Content
/// that lies in a file may come at its first use ([WeightLoader#open]) and be evicted after each. The weight of a
/// frozen linear layer may rest in float8 with a scale for each row: then see [#resting] and [#in].
public final class Parameter implements FrozenWeight, AutoCloseable {

    /// The content, or, while that is in a file, a tensor without memory of its shape and dtype.
    private final OwnedTensor value;
    private @Nullable OwnedTensor rowScale;
    /// Whether [#value] lies in a mapped file and must not be written.
    private boolean mapped;
    private @Nullable StoredWeight stored;
    private boolean offloaded;
    /// The content of [#stored] that was read for all threads; of an offloaded weight none is.
    private volatile @Nullable Content shared;
    /// The content of an offloaded weight, for each thread its own: a thread that is done with the weight takes nothing
    /// from another that is not.
    private final Map<Thread, Content> threads = new ConcurrentHashMap<>(0);
    private final Initializer initializer;
    private final boolean buffer;
    private volatile boolean closed;

    /// Content that was read from a file.
    ///
    /// @param mapped whether it is a view of the file
    private record Content(OwnedTensor values, @Nullable OwnedTensor rowScale, boolean mapped) {

        static Content read(StoredWeight from) {
            try (Scope _ = new Scope()) {
                RestingWeight read = from.read();
                boolean mapped = from.isViewed(read.values());
                Content content = new Content(new OwnedTensor(read.values()), scale(read), mapped);
                if (!mapped) {
                    from.dropPages(); // they were copied
                }
                return content;
            }
        }

        void close() {
            values.close();
            if (rowScale != null) {
                rowScale.close();
            }
        }
    }

    Parameter(Initializer initializer, boolean buffer, DType dtype, long... shape) {
        this.value = new OwnedTensor(Tensors.empty(dtype, Device.META, shape));
        this.initializer = initializer;
        this.buffer = buffer;
    }

    /// The tensor, owned by the module; it is read now when it is still in its file alone. Of a weight in float8 these
    /// are the values without their scale. Threads may call together; that of an offloaded weight is the thread's own,
    /// until it calls [#evict].
    ///
    /// @throws io.stencil.error.InvalidStateException after [#close]
    public Tensor get() {
        return content().values().get();
    }

    /// The tensor and its scale, owned by the module; read as by [#get].
    @Override
    public RestingWeight resting() {
        Content content = content();
        OwnedTensor scale = content.rowScale();
        return new RestingWeight(content.values().get(), scale == null ? null : scale.get());
    }

    private Content content() {
        held(); // a closed one reads no file
        StoredWeight from = stored;
        if (from == null) {
            return new Content(value, rowScale, mapped);
        }
        if (offloaded) {
            return threads.computeIfAbsent(Thread.currentThread(), _ -> Content.read(from));
        }
        Content read = shared;
        return read == null ? readForAll(from) : read;
    }

    private synchronized Content readForAll(StoredWeight from) {
        Content read = shared;
        if (read == null) {
            read = Content.read(from);
            shared = read;
        }
        return read;
    }

    /// What this thread has in memory, or null when that is nothing.
    private @Nullable Content inMemory() {
        if (stored == null) {
            return held().is_meta() ? null : new Content(value, rowScale, mapped);
        }
        return offloaded ? threads.get(Thread.currentThread()) : shared;
    }

    /// What the parameter stands for, in `dtype`: a copy, or the tensor itself when that is it.
    public Tensor in(DType dtype) {
        return resting().in(dtype);
    }

    /// Some rows of a matrix: as [#get] has them, but of one that is still in its file no other row is read.
    ///
    /// @param ids int64, any shape
    /// @return [..., columns], in [#dtype] and on [#device]
    Tensor rows(Tensor ids) {
        if (stored == null || inMemory() != null) {
            return Ops.embedding(get(), ids);
        }
        Tensor rows = stored.rows(ids);
        if (offloaded) {
            stored.dropPages();
        }
        return rows;
    }

    /// Where the tensor lies, or will when it is read.
    public Device device() {
        return stored == null ? Device.of(held()) : stored.device();
    }

    /// Whether the content was read or made and is not evicted.
    public boolean isInMemory() {
        return !held().is_meta() || shared != null || !threads.isEmpty();
    }

    /// What is in memory now: on the Meta device as long as nothing is.
    Tensor peek() {
        Content content = inMemory();
        return content == null ? held() : content.values().get();
    }

    /// The tensor of [#value]: shape and dtype are those of the content, wherever that is.
    private Tensor held() {
        Tensor held = value.find().orElse(null);
        if (held == null) {
            throw new InvalidStateException("the parameter was freed, as its module was closed; load the model again");
        }
        return held;
    }

    private void keep(RestingWeight content) {
        held();
        value.set(content.values());
        free();
        rowScale = scale(content);
    }

    private static @Nullable OwnedTensor scale(RestingWeight weight) {
        return weight.rowScale() == null ? null : new OwnedTensor(weight.rowScale());
    }

    /// Frees all but [#value].
    private void free() {
        Content read = shared;
        shared = null;
        if (read != null) {
            read.close();
        }
        threads.values().removeIf(content -> {
            content.close();
            return true;
        });
        if (rowScale != null) {
            rowScale.close();
            rowScale = null;
        }
    }

    /// Takes its content from a file from now on.
    ///
    /// @param offloaded whether [#evict] has an effect
    void store(StoredWeight weight, boolean offloaded) {
        try (Scope _ = new Scope()) {
            keep(RestingWeight.of(Tensors.empty(weight.dtype(), Device.META, shape())));
        }
        this.stored = weight;
        this.offloaded = offloaded;
        this.mapped = false;
    }

    /// Frees the memory that this thread has of an offloaded weight until its next use; of any other it does nothing.
    @Override
    public void evict() {
        StoredWeight from = stored;
        if (!offloaded || from == null || closed) {
            return;
        }
        Content content = threads.remove(Thread.currentThread());
        if (content != null) {
            if (content.mapped()) {
                from.dropPages(); // views of it stay valid: the pages come back when they are read
            }
            content.close();
        }
    }

    @Override
    public boolean isOffloaded() {
        return offloaded && stored != null;
    }

    public long[] shape() {
        return Tensors.shape(held());
    }

    public DType dtype() {
        return DType.of(held());
    }

    /// Number of elements.
    public long elementCount() {
        return held().numel();
    }

    public boolean isBuffer() {
        return buffer;
    }

    public boolean isTrainable() {
        return held().requires_grad();
    }

    /// Whether the parameter was closed, after which it has no tensor.
    public boolean isClosed() {
        return closed;
    }

    /// How it is filled when no weights are loaded.
    public Initializer initializer() {
        return initializer;
    }

    /// The gradient of the last backward passes, or null when there is none.
    ///
    /// @return a handle owned by the caller's scope
    public @Nullable Tensor gradient() {
        Tensor gradient = held().grad();
        return gradient.defined() ? gradient : null;
    }

    /// Puts a gradient in the place of the present one: the next backward pass adds to it.
    ///
    /// @param gradient memory of its own, with shape and dtype of the parameter
    public void setGradient(Tensor gradient) {
        get().mutable_grad().put(gradient);
    }

    /// Frees the gradient.
    public void clearGradient() {
        if (held().grad().defined()) {
            held().mutable_grad().reset();
        }
    }

    /// Replaces the content.
    ///
    /// @param mapped the memory belongs to a file and must not be written
    void set(RestingWeight content, boolean mapped) {
        keep(content);
        this.mapped = mapped;
        this.stored = null;
    }

    /// Replaces the content by a tensor of the same shape that is memory of its own; its file has no part in it then.
    public void set(Tensor tensor) {
        set(RestingWeight.of(tensor), false);
    }

    void initialize(DType dtype, Device device, TorchGenerator generator) {
        DType own = dtype().isFloatingPoint() ? dtype : dtype();
        Tensor fresh = Tensors.empty(own, Device.CPU, shape());
        initializer.fill(fresh, generator);
        set(device.place(fresh, own));
    }

    /// Records gradients for this tensor, or stops doing so.
    ///
    /// @throws InvalidRequestException for a buffer, and for a weight in float8
    void setTrainable(boolean trainable) {
        if (trainable && buffer) {
            throw new InvalidRequestException("parts", "a buffer cannot be trained");
        }
        if (trainable && dtype() == DType.FLOAT8_E4M3FN) {
            throw new InvalidRequestException("parts", "a weight in float8 cannot be trained");
        }
        if (trainable && (mapped || stored != null)) {
            Content content = content();
            Tensor tensor = content.values().get();
            set(content.mapped() ? tensor.clone() : tensor);
        }
        if (trainable || isTrainable()) {
            held().requires_grad_(trainable);
        }
    }

    @Override
    public void close() {
        closed = true;
        value.close();
        free();
    }
}
