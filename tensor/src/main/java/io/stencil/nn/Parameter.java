package io.stencil.nn;

import io.stencil.autograd.FrozenWeight;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.nn.WeightStorage.InMemory;
import io.stencil.nn.WeightStorage.MappedFile;
import io.stencil.nn.WeightStorage.Resident;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.tensor.WeightValues;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// One tensor of a module: a weight that can be trained, or a buffer (statistics, counters) that cannot.
///
/// It begins on the Meta device, with a shape and no memory, and gets content by loading or by [#initialize]. Content
/// that lies in a file may come at its first use ([WeightLoader#open]) and be evicted after each. The weight of a
/// frozen linear layer may rest quantized: then see [#values] and [#in].
public final class Parameter implements FrozenWeight, AutoCloseable {

    private final Initializer initializer;
    private final boolean buffer;
    private volatile WeightStorage storage;

    Parameter(Initializer initializer, boolean buffer, DType dtype, long... shape) {
        this.storage = InMemory.of(Tensors.empty(dtype, Device.META, shape));
        this.initializer = initializer;
        this.buffer = buffer;
    }

    /// The tensor; it is read now when it is still in its file alone. Of a weight in float8 these are the values
    /// without their scale, of one in blocks the bytes. Threads may call together; that of an offloaded weight is the
    /// thread's own, until it calls [#evict].
    ///
    /// @return owned by the module, and kept in memory until the caller's innermost scope is closed, also where another
    ///     thread closes the module before; without a scope it must not be used beside such a close
    /// @throws io.stencil.error.InvalidStateException after [#close]
    public Tensor get() {
        return shared(Resident::tensor);
    }

    /// What the parameter stands for, in `dtype`: a copy, or the tensor of [#get] when that is it.
    ///
    /// @throws io.stencil.error.InvalidStateException after [#close]
    public Tensor in(DType dtype) {
        return shared(content -> content.values().in(dtype));
    }

    /// Uses the content, which a close on another thread does not free before the caller's innermost scope is closed.
    /// Other threads need not wait while it is read from disk.
    private Tensor shared(Function<Resident, Tensor> use) {
        while (true) {
            WeightStorage place = storage;
            Resident content = place.content();
            synchronized (this) {
                if (storage.equals(place)) { // else it was closed or replaced meanwhile
                    content.owned().share();
                    if (content instanceof MappedFile mapped) {
                        mapped.file().lease();
                    }
                    return use.apply(content);
                }
            }
        }
    }

    /// [#get] for layers, which keep their module open while they use it.
    Tensor tensor() {
        return storage.content().tensor();
    }

    /// The tensor with its scale. Only within a pass ([Module#openPass]): a close on another thread frees it at any
    /// other time.
    @Override
    public WeightValues values() {
        return storage.content().values();
    }

    /// Some rows of a matrix: as [#tensor] has them, but of one that is still in its file no other row is read.
    ///
    /// @param ids int64, any shape
    /// @return [..., columns], in [#dtype] and on [#device]
    Tensor rows(Tensor ids) {
        return storage.rows(ids);
    }

    /// Where the tensor lies, or will when it is read.
    public Device device() {
        return storage.device();
    }

    /// Whether the content was read or made and is not evicted.
    public boolean isInMemory() {
        return storage.isInMemory();
    }

    WeightStorage storage() {
        return storage;
    }

    /// Replaces the content, which is the parameter's from now on.
    ///
    /// @throws InvalidStateException after [#close]; the content stays the caller's then
    synchronized void store(WeightStorage content) {
        WeightStorage former = storage;
        former.dtype(); // a closed one takes nothing
        storage = content;
        former.close();
    }

    /// Frees the memory that this thread has of an offloaded weight until its next use; of any other it does nothing.
    /// A tensor of [#get] stays in memory until the scope that was open there is closed: evict behind that.
    @Override
    public void evict() {
        storage.evict();
    }

    @Override
    public boolean isOffloaded() {
        return storage instanceof WeightStorage.Offloaded;
    }

    /// Creates the fault of a parameter that was closed, here so that its first frame names this class.
    static InvalidStateException closed() {
        return new InvalidStateException("the parameter was freed, as its module was closed; load the model again");
    }

    public long[] shape() {
        return storage.shape();
    }

    public DType dtype() {
        return storage.dtype();
    }

    /// The quantization in which the weight rests, such as `float8` or `Q4_K`; empty for none.
    public Optional<String> quantization() {
        return storage.quantization();
    }

    /// Number of elements.
    public long elementCount() {
        return Arrays.stream(shape()).reduce(1, Math::multiplyExact);
    }

    public boolean isBuffer() {
        return buffer;
    }

    public boolean isTrainable() {
        return storage.inMemory() instanceof InMemory own && own.tensor().requires_grad();
    }

    /// Whether the parameter was closed, after which it has no tensor.
    public boolean isClosed() {
        return storage instanceof WeightStorage.Closed;
    }

    /// How it is filled when no weights are loaded.
    public Initializer initializer() {
        return initializer;
    }

    /// The gradient of the last backward passes, or null when there is none.
    ///
    /// @return a handle owned by the caller's scope
    public @Nullable Tensor gradient() {
        Resident content = storage.inMemory();
        if (content == null) {
            return null;
        }
        Tensor gradient = content.tensor().grad();
        return gradient.defined() ? gradient : null;
    }

    /// Puts a gradient in the place of the present one: the next backward pass adds to it.
    ///
    /// @param gradient memory of its own, with shape and dtype of the parameter
    public void setGradient(Tensor gradient) {
        tensor().mutable_grad().put(gradient);
    }

    /// Frees the gradient.
    public void clearGradient() {
        if (gradient() != null) {
            tensor().mutable_grad().reset();
        }
    }

    /// Replaces the content by a tensor of the same shape that is memory of its own; its file has no part in it then.
    public synchronized void set(Tensor tensor) {
        storage.dtype(); // a closed one takes nothing
        store(InMemory.of(tensor));
    }

    void initialize(DType dtype, Device device, TorchGenerator generator) {
        DType own = dtype().isFloatingPoint() ? dtype : dtype();
        Tensor fresh = Tensors.empty(own, Device.CPU, shape());
        initializer.fill(fresh, generator);
        set(device.place(fresh, own));
    }

    /// Records gradients for this tensor, or stops doing so.
    ///
    /// @throws InvalidRequestException for a buffer, and for a quantized weight
    void setTrainable(boolean trainable) {
        if (trainable && buffer) {
            throw new InvalidRequestException("parts", "a buffer cannot be trained");
        }
        quantization().filter(_ -> trainable).ifPresent(quantization -> {
            throw new InvalidRequestException("parts", "a weight in %s cannot be trained".formatted(quantization));
        });
        if (trainable && !(storage instanceof InMemory)) {
            Resident content = storage.content();
            set(content instanceof MappedFile ? content.tensor().clone() : content.tensor());
        }
        if (trainable || isTrainable()) {
            tensor().requires_grad_(trainable);
        }
    }

    @Override
    public synchronized void close() {
        WeightStorage former = storage;
        storage = new WeightStorage.Closed();
        former.close();
    }
}
