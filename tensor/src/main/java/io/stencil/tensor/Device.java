package io.stencil.tensor;

import io.stencil.error.InvalidRequestException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;

/// Where a tensor lies and is computed.
///
/// @param index number of the GPU; 0 for the others
public record Device(Kind kind, int index) {

    public static final Device CPU = new Device(Kind.CPU, 0);

    /// Shapes and dtypes without memory.
    public static final Device META = new Device(Kind.META, 0);

    private static final Pattern CUDA = Pattern.compile("cuda(?::(\\d+))?");

    /// The kinds of device.
    public enum Kind {
        CPU(DeviceType.CPU),
        CUDA(DeviceType.CUDA),
        META(DeviceType.Meta);

        private final DeviceType type;

        Kind(DeviceType type) {
            this.type = type;
        }
    }

    /// Reads `cpu`, `cuda` or `cuda:N`.
    ///
    /// @throws InvalidRequestException for another text, or for a GPU that libtorch does not see
    public static Device parse(String text) {
        if (text.equals("cpu")) {
            return CPU;
        }
        Matcher cuda = CUDA.matcher(text);
        if (!cuda.matches()) {
            throw new InvalidRequestException("device", "expected cpu, cuda or cuda:N, found '%s'".formatted(text));
        }
        if (!Libtorch.cudaAvailable()) {
            throw new InvalidRequestException(
                    "device",
                    "'%s' is not available: this libtorch sees no GPU; use the build with CUDA (-Pcuda) or --device cpu"
                            .formatted(text));
        }
        int count = torch.cuda_device_count();
        String number = cuda.group(1) == null ? "0" : cuda.group(1);
        for (int index = 0; index < count; index++) {
            if (number.equals(Integer.toString(index))) {
                return new Device(Kind.CUDA, index);
            }
        }
        throw new InvalidRequestException(
                "device", "'%s' is not available: this libtorch sees %s GPUs, from cuda:0".formatted(text, count));
    }

    public static Device of(Tensor tensor) {
        if (tensor.is_meta()) {
            return META;
        }
        return tensor.is_cuda() ? new Device(Kind.CUDA, tensor.device().index()) : CPU;
    }

    /// The tensor on this device and in `dtype`: itself when it is there already.
    public Tensor place(Tensor tensor, DType dtype) {
        return tensor.to(toNative(), dtype.scalarType());
    }

    /// The tensor on this device.
    public Tensor place(Tensor tensor) {
        return place(tensor, DType.of(tensor));
    }

    org.bytedeco.pytorch.Device toNative() {
        Libtorch.load();
        return kind == Kind.CUDA
                ? new org.bytedeco.pytorch.Device(kind.type, (byte) index)
                : new org.bytedeco.pytorch.Device(kind.type);
    }

    @Override
    public String toString() {
        return switch (kind) {
            case CPU -> "cpu";
            case META -> "meta";
            case CUDA -> "cuda:" + index;
        };
    }

    /// Waits until the work queued on this device is done; nothing to do on the CPU.
    public void synchronize() {
        if (kind == Kind.CUDA) {
            torch.cuda_synchronize(index);
        }
    }
}
