package io.stencil.tensor;

import io.stencil.error.InvalidRequestException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/// Making tensors from Java values and reading them back.
///
/// What is made belongs to the caller's scope.
public final class Tensors {

    static {
        Libtorch.load();
    }

    private Tensors() {}

    /// A float32 tensor on the CPU with a copy of `values`, row major.
    ///
    /// @throws InvalidRequestException when the shape does not hold as many elements
    public static Tensor of(float[] values, long... shape) {
        checkCount(values.length, shape);
        Tensor tensor = empty(DType.FLOAT32, Device.CPU, shape);
        if (values.length > 0) {
            try (FloatPointer data = tensor.data_ptr_float()) {
                data.put(values);
            }
        }
        return tensor;
    }

    /// A float64 tensor on the CPU with a copy of `values`, row major.
    ///
    /// @throws InvalidRequestException when the shape does not hold as many elements
    public static Tensor of(double[] values, long... shape) {
        checkCount(values.length, shape);
        Tensor tensor = empty(DType.FLOAT64, Device.CPU, shape);
        if (values.length > 0) {
            try (DoublePointer data = tensor.data_ptr_double()) {
                data.put(values);
            }
        }
        return tensor;
    }

    /// An int64 tensor on the CPU with a copy of `values`, row major.
    ///
    /// @throws InvalidRequestException when the shape does not hold as many elements
    public static Tensor of(long[] values, long... shape) {
        checkCount(values.length, shape);
        Tensor tensor = empty(DType.INT64, Device.CPU, shape);
        if (values.length > 0) {
            try (LongPointer data = tensor.data_ptr_long()) {
                data.put(values);
            }
        }
        return tensor;
    }

    /// A tensor whose content is not set.
    public static Tensor empty(DType dtype, Device device, long... shape) {
        return torch.empty(shape, options(dtype, device), new org.bytedeco.pytorch.MemoryFormatOptional());
    }

    public static Tensor zeros(DType dtype, Device device, long... shape) {
        return torch.zeros(shape, options(dtype, device));
    }

    public static Tensor full(double value, DType dtype, Device device, long... shape) {
        return torch.full(shape, new Scalar(value), options(dtype, device));
    }

    /// A copy of the elements as float32, row major, whatever the dtype and device.
    public static float[] toFloats(Tensor tensor) {
        try (Scope _ = new Scope()) {
            Tensor plain = Device.CPU.place(tensor.detach(), DType.FLOAT32).contiguous();
            float[] values = new float[Math.toIntExact(plain.numel())];
            if (values.length > 0) {
                plain.data_ptr_float().get(values);
            }
            return values;
        }
    }

    /// A copy of the elements as float64, row major, whatever the dtype and device.
    public static double[] toDoubles(Tensor tensor) {
        try (Scope _ = new Scope()) {
            Tensor plain = Device.CPU.place(tensor.detach(), DType.FLOAT64).contiguous();
            double[] values = new double[Math.toIntExact(plain.numel())];
            if (values.length > 0) {
                plain.data_ptr_double().get(values);
            }
            return values;
        }
    }

    /// A copy of the elements as int64, row major.
    public static long[] toLongs(Tensor tensor) {
        try (Scope _ = new Scope()) {
            Tensor plain = Device.CPU.place(tensor.detach(), DType.INT64).contiguous();
            long[] values = new long[Math.toIntExact(plain.numel())];
            if (values.length > 0) {
                plain.data_ptr_long().get(values);
            }
            return values;
        }
    }

    /// The one element of a tensor, as a double; waits for the device.
    public static double toDouble(Tensor tensor) {
        return tensor.item_double();
    }

    /// Whether no element is NaN or infinite; waits for the device.
    public static boolean isFinite(Tensor tensor) {
        try (Scope _ = new Scope()) {
            // there is no test of float8
            Tensor wide = DType.of(tensor).bytes() == 1 ? DType.FLOAT32.cast(tensor) : tensor;
            return toDouble(wide.isfinite().all()) != 0;
        }
    }

    /// Names the first tensor that holds NaN or infinity, with one wait for their device. Whole numbers and float8 are
    /// passed over.
    ///
    /// @param tensors by name, on one device
    public static Optional<String> firstNonFinite(Map<String, Tensor> tensors) {
        try (Scope _ = new Scope()) {
            List<String> names = new ArrayList<>();
            List<Tensor> largest = new ArrayList<>();
            Scalar maximum = new Scalar(Double.POSITIVE_INFINITY); // the norm that is the largest absolute value
            tensors.forEach((name, tensor) -> {
                DType dtype = DType.of(tensor);
                if (dtype.isFloatingPoint() && dtype != DType.FLOAT8_E4M3FN && tensor.numel() > 0) {
                    names.add(name);
                    largest.add(
                            DType.FLOAT32.cast(tensor.detach().norm(maximum)).reshape(1));
                }
            });
            if (names.isEmpty()) {
                return Optional.empty();
            }
            float[] values = Tensors.toFloats(Ops.cat(0, largest));
            for (int i = 0; i < values.length; i++) {
                if (!Float.isFinite(values[i])) {
                    return Optional.of(names.get(i));
                }
            }
            return Optional.empty();
        }
    }

    /// Sizes of all dimensions.
    public static long[] shape(Tensor tensor) {
        long[] shape = new long[Math.toIntExact(tensor.dim())];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = tensor.size(i);
        }
        return shape;
    }

    /// A uint8 tensor on the CPU with a copy of `bytes`.
    public static Tensor ofBytes(byte[] bytes, long... shape) {
        checkCount(bytes.length, shape);
        Tensor tensor = empty(DType.UINT8, Device.CPU, shape);
        if (bytes.length > 0) {
            try (Pointer data = tensor.data_ptr()) {
                new BytePointer(data).put(bytes);
            }
        }
        return tensor;
    }

    /// The elements of a uint8 tensor, row major.
    public static byte[] toBytes(Tensor tensor) {
        try (Scope _ = new Scope()) {
            return rawBytes(DType.UINT8.cast(tensor));
        }
    }

    /// The memory of a tensor's elements, row major, of any dtype.
    public static byte[] rawBytes(Tensor tensor) {
        try (Scope _ = new Scope()) {
            Tensor plain = Device.CPU.place(tensor.detach()).contiguous();
            byte[] bytes = new byte[Math.toIntExact(plain.nbytes())];
            if (bytes.length > 0) {
                new BytePointer(plain.data_ptr()).capacity(bytes.length).get(bytes);
            }
            return bytes;
        }
    }

    static TensorOptions options(DType dtype, Device device) {
        return new TensorOptions(dtype.scalarType()).device(new org.bytedeco.pytorch.DeviceOptional(device.toNative()));
    }

    private static void checkCount(int count, long[] shape) {
        long expected = 1;
        for (long size : shape) {
            expected *= size;
        }
        if (expected != count) {
            throw new InvalidRequestException(
                    "shape",
                    "shape %s holds %s elements, got %s".formatted(java.util.Arrays.toString(shape), expected, count));
        }
    }
}
