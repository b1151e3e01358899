package io.stencil.tensor;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.ProductSpeed.ProductSpeedFile;
import org.jspecify.annotations.Nullable;

/// The dtype in which models whose weights rest in half precision compute fastest.
///
/// Processors without matrix units for half precision multiply float32 faster, also when every weight has to be cast
/// first. On the CPU this is measured once and kept by [ProductSpeedFile]; the environment variable `STENCIL_COMPUTE`,
/// `float32` or `native`, decides without measuring. Other devices compute in the weights' dtype.
public final class ComputeDType {

    /// The environment variable that decides where it is set.
    public static final String VARIABLE = "STENCIL_COMPUTE";

    /// How a user chooses either dtype, for messages.
    public static final String CHOICE = VARIABLE + "=float32 or " + VARIABLE + "=native in the environment chooses it";

    private static @Nullable ProductSpeed measured;

    private ComputeDType() {}

    /// @param resting dtype of the weights
    /// @throws InvalidRequestException when `STENCIL_COMPUTE` is neither `float32` nor `native`
    public static DType fastest(DType resting, Device device) {
        boolean half = resting == DType.BFLOAT16 || resting == DType.FLOAT16;
        return half && device.equals(Device.CPU) ? onCpu(resting, System.getenv(VARIABLE)) : resting;
    }

    static DType onCpu(DType resting, @Nullable String wish) {
        return switch (wish == null ? "" : wish) {
            case "float32" -> DType.FLOAT32;
            case "native" -> resting;
            case "" -> speed().wideIsFaster() ? DType.FLOAT32 : resting;
            default ->
                throw new InvalidRequestException(
                        VARIABLE, "is '%s' in the environment; expected float32 or native".formatted(wish));
        };
    }

    private static synchronized ProductSpeed speed() {
        ProductSpeed known = measured;
        if (known == null) {
            known = ProductSpeedFile.standard().readOrMeasure(ProductSpeed::measure);
            measured = known;
        }
        return known;
    }
}
