package io.stencil.nn;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.RestingWeight;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// One tensor of a module: a weight that can be trained, or a buffer (statistics, counters) that cannot.
///
/// It begins on the Meta device, with a shape and no memory, and gets content by loading or by [#initialize]. The weight of
/// a frozen linear layer may rest in float8 with a scale for each row: then [#resting] and [#in] tell what it is.
public final class Parameter implements AutoCloseable {

    private final OwnedTensor value;
    private final Initializer initializer;
    private final boolean buffer;
    private @Nullable OwnedTensor rowScale;
    private boolean mapped;

    Parameter(Initializer initializer, boolean buffer, DType dtype, long... shape) {
        this.value = new OwnedTensor(Tensors.empty(dtype, Device.META, shape));
        this.initializer = initializer;
        this.buffer = buffer;
    }

    /// The tensor, owned by the module. Of a weight in float8 these are the values without their scale.
    public Tensor get() {
        return value.get();
    }

    /// The tensor and its scale, owned by the module.
    public RestingWeight resting() {
        return new RestingWeight(get(), rowScale == null ? null : rowScale.get());
    }

    /// What the parameter stands for, in `dtype`: a copy, or the tensor itself when that is it.
    public Tensor in(DType dtype) {
        return resting().in(dtype);
    }

    public long[] shape() {
        return Tensors.shape(get());
    }

    public DType dtype() {
        return DType.of(get());
    }

    public boolean isBuffer() {
        return buffer;
    }

    public boolean isTrainable() {
        return get().requires_grad();
    }

    /// How it is filled when no weights are loaded.
    public Initializer initializer() {
        return initializer;
    }

    /// The gradient of the last backward passes, or null when there is none.
    ///
    /// @return a handle owned by the caller's scope
    public @Nullable Tensor gradient() {
        Tensor gradient = get().grad();
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
        if (get().grad().defined()) {
            get().mutable_grad().reset();
        }
    }

    /// Replaces the content.
    ///
    /// @param mapped the memory belongs to a file and must not be written
    void set(RestingWeight content, boolean mapped) {
        value.set(content.values());
        freeScale();
        rowScale = content.rowScale() == null ? null : new OwnedTensor(content.rowScale());
        this.mapped = mapped;
    }

    private void freeScale() {
        if (rowScale != null) {
            rowScale.close();
            rowScale = null;
        }
    }

    /// Replaces the content by a tensor of the same shape that is memory of its own.
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
        if (trainable && mapped) {
            set(get().clone());
        }
        get().requires_grad_(trainable);
    }

    @Override
    public void close() {
        value.close();
        freeScale();
    }
}
