package io.stencil.nn;

import io.stencil.autograd.FrozenWeight;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.RestingWeight;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// One tensor of a module: a weight that can be trained, or a buffer (statistics, counters) that cannot.
///
/// It begins on the Meta device, with a shape and no memory, and gets content by loading or by [#initialize]. Content
/// that lies in a file may come at its first use ([WeightLoader#open]) and be let go of after each. The weight of a
/// frozen linear layer may rest in float8 with a scale for each row: then [#resting] and [#in] tell what it is.
public final class Parameter implements FrozenWeight, AutoCloseable {

    /// The content, or, while that is in a file, a tensor without memory of its shape and dtype.
    private final OwnedTensor value;
    /// What was read of [#stored]; the only field that changes while threads share a weight.
    private volatile @Nullable OwnedTensor content;
    private final Initializer initializer;
    private final boolean buffer;
    private @Nullable OwnedTensor rowScale;
    private boolean mapped;
    private @Nullable StoredWeight stored;
    private boolean offloaded;

    Parameter(Initializer initializer, boolean buffer, DType dtype, long... shape) {
        this.value = new OwnedTensor(Tensors.empty(dtype, Device.META, shape));
        this.initializer = initializer;
        this.buffer = buffer;
    }

    /// The tensor, owned by the module; it is read now when it is still in its file alone. Of a weight in float8 these
    /// are the values without their scale. Threads may ask together unless the weight is offloaded.
    public Tensor get() {
        return stored == null ? current() : getStored(stored);
    }

    private synchronized Tensor getStored(StoredWeight from) {
        if (content == null) {
            read(from);
        }
        return current();
    }

    private Tensor current() {
        OwnedTensor read = content;
        return (read == null ? value : read).get();
    }

    /// The tensor and its scale, owned by the module; read as by [#get].
    @Override
    public RestingWeight resting() {
        return new RestingWeight(get(), rowScale == null ? null : rowScale.get());
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
        if (stored == null || !current().is_meta()) {
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
        return stored == null ? Device.of(current()) : stored.device();
    }

    /// Whether the content was read or made and is not let go of.
    public boolean isInMemory() {
        return !current().is_meta();
    }

    /// What is in memory now: on the Meta device as long as nothing is.
    Tensor peek() {
        return current();
    }

    private void read(StoredWeight from) {
        try (Scope _ = new Scope()) {
            RestingWeight read = from.read();
            mapped = from.isViewed(read.values());
            rowScale = scale(read);
            content = new OwnedTensor(read.values()); // last: other threads look at it
            if (!mapped) {
                from.dropPages(); // they were copied
            }
        }
    }

    private void keep(RestingWeight own) {
        value.set(own.values());
        freeRead();
        rowScale = scale(own);
    }

    private static @Nullable OwnedTensor scale(RestingWeight weight) {
        return weight.rowScale() == null ? null : new OwnedTensor(weight.rowScale());
    }

    private void freeRead() {
        if (content != null) {
            content.close();
            content = null;
        }
        if (rowScale != null) {
            rowScale.close();
            rowScale = null;
        }
    }

    /// Takes its content from a file from now on.
    ///
    /// @param offloaded whether [#letGo] has an effect
    void store(StoredWeight weight, boolean offloaded) {
        try (Scope _ = new Scope()) {
            keep(RestingWeight.of(Tensors.empty(weight.dtype(), Device.META, shape())));
        }
        this.stored = weight;
        this.offloaded = offloaded;
        this.mapped = false;
    }

    /// Frees the memory of an offloaded weight until its next use; of any other it does nothing.
    @Override
    public void letGo() {
        if (!offloaded || stored == null || content == null) {
            return;
        }
        if (mapped) {
            stored.dropPages(); // views of it stay valid: the pages come back when they are read
        }
        freeRead();
        mapped = false;
    }

    @Override
    public boolean isOffloaded() {
        return offloaded && stored != null;
    }

    public long[] shape() {
        return Tensors.shape(current());
    }

    public DType dtype() {
        return DType.of(current());
    }

    /// Number of elements.
    public long elementCount() {
        return current().numel();
    }

    public boolean isBuffer() {
        return buffer;
    }

    public boolean isTrainable() {
        return current().requires_grad();
    }

    /// Whether the parameter was closed, after which it has no tensor.
    public boolean isClosed() {
        return value.find().isEmpty();
    }

    /// How it is filled when no weights are loaded.
    public Initializer initializer() {
        return initializer;
    }

    /// The gradient of the last backward passes, or null when there is none.
    ///
    /// @return a handle owned by the caller's scope
    public @Nullable Tensor gradient() {
        Tensor gradient = current().grad();
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
        if (current().grad().defined()) {
            current().mutable_grad().reset();
        }
    }

    /// Replaces the content.
    ///
    /// @param mapped the memory belongs to a file and must not be written
    void set(RestingWeight own, boolean mapped) {
        keep(own);
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
    /// @throws IllegalStateException for a buffer, and for a weight in float8
    void setTrainable(boolean trainable) {
        if (trainable && buffer) {
            throw new IllegalStateException("a buffer cannot be trained");
        }
        if (trainable && dtype() == DType.FLOAT8_E4M3FN) {
            throw new IllegalStateException("a weight in float8 cannot be trained");
        }
        if (trainable && (mapped || stored != null)) {
            Tensor own = get();
            set(mapped ? own.clone() : own);
        }
        if (trainable || isTrainable()) {
            current().requires_grad_(trainable);
        }
    }

    @Override
    public void close() {
        value.close();
        freeRead();
    }
}
