package io.stencil.tensor;

import io.stencil.error.InvalidRequestException;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.GradMode;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/// Operations whose native signature needs more than tensors and longs.
///
/// Results belong to the caller's scope; gradients flow through all of them.
public final class Ops {

    static {
        Libtorch.load();
    }

    private Ops() {}

    /// Joins tensors along `dim`; one tensor is returned as it is.
    public static Tensor cat(long dim, Tensor... tensors) {
        return cat(dim, List.of(tensors));
    }

    /// Joins tensors along `dim`; one tensor is returned as it is.
    ///
    /// @throws InvalidRequestException when there is none
    public static Tensor cat(long dim, Collection<Tensor> tensors) {
        if (tensors.isEmpty()) {
            throw new InvalidRequestException("tensors", "nothing to join");
        }
        if (tensors.size() == 1) {
            return tensors.iterator().next();
        }
        return torch.cat(new TensorVector(tensors.toArray(Tensor[]::new)), dim);
    }

    /// Splits `x` into `count` equal views along `dim`.
    ///
    /// @throws InvalidRequestException when the size is not a multiple of `count`
    public static List<Tensor> chunk(Tensor x, int count, long dim) {
        long size = x.size(dim);
        if (size % count != 0) {
            throw new InvalidRequestException(
                    "count", "%s elements cannot be split into %s parts".formatted(size, count));
        }
        long[] sizes = new long[count];
        Arrays.fill(sizes, size / count);
        return split(x, dim, sizes);
    }

    /// Splits `x` of any shape along `dim` into views of these sizes. Their gradients are joined at once; those of
    /// narrowed views would each be filled up to the size of `x` first, and then added.
    ///
    /// @return handles of their own, each owned by the scope of the caller
    /// @throws RuntimeException of libtorch when the sizes do not add up to that of `x`
    public static List<Tensor> split(Tensor x, long dim, long... sizes) {
        try (TensorVector parts = torch.split_with_sizes(x, sizes, dim)) {
            return LongStream.range(0, parts.size())
                    .mapToObj(i -> new Tensor(parts.get(i))) // an element is the vector's own
                    .toList();
        }
    }

    /// The product of complex numbers.
    ///
    /// @param x float32 [..., 2], real and imaginary part, which lie side by side, and all pairs at even places: else
    ///     libtorch throws
    /// @param y likewise, of a shape that goes with that of `x`
    /// @return likewise
    public static Tensor multiplyComplex(Tensor x, Tensor y) {
        return torch.view_as_real(torch.view_as_complex(x).mul(torch.view_as_complex(y)));
    }

    public static Tensor mul(Tensor x, double factor) {
        return x.mul(new Scalar(factor));
    }

    public static Tensor add(Tensor x, double term) {
        return x.add(new Scalar(term));
    }

    /// `x + factor * y`.
    public static Tensor addScaled(Tensor x, Tensor y, double factor) {
        return x.add(y, new Scalar(factor));
    }

    /// `x * factor + term` in one pass, rounded once.
    public static Tensor multiplyAdd(Tensor x, Tensor factor, Tensor term) {
        return torch.addcmul(term, x, factor);
    }

    public static Tensor silu(Tensor x) {
        return torch.silu(x);
    }

    /// SiLU. Overwrites `x`, of any shape, while autograd records nothing on this thread.
    ///
    /// @return the shape of `x`
    public static Tensor siluInPlace(Tensor x) {
        return GradMode.is_enabled() ? torch.silu(x) : torch.silu_(x);
    }

    /// `x * y`. Overwrites `x`, of any shape, while autograd records nothing on this thread.
    ///
    /// @param y of the dtype of `x`, and of a shape that broadcasts to that of `x`: else libtorch throws
    /// @return the shape of `x`
    public static Tensor mulInPlace(Tensor x, Tensor y) {
        return GradMode.is_enabled() ? x.mul(y) : x.mul_(y);
    }

    /// `x + y`. Overwrites `x`, of any shape, while autograd records nothing on this thread.
    ///
    /// @param y of the dtype of `x`, and of a shape that broadcasts to that of `x`: else libtorch throws
    /// @return the shape of `x`
    public static Tensor addInPlace(Tensor x, Tensor y) {
        return GradMode.is_enabled() ? x.add(y) : x.add_(y);
    }

    /// SwiGLU: `silu(first half) * second half` of the last dimension. Overwrites the first half of `x` while autograd
    /// records nothing on this thread.
    ///
    /// @param x [..., 2 * size]
    /// @return [..., size]
    /// @throws InvalidRequestException when the last dimension is odd
    public static Tensor swiGluInPlace(Tensor x) {
        List<Tensor> halves = chunk(x, 2, -1);
        return siluInPlace(halves.get(0)).mul(halves.get(1));
    }

    /// `x weight^T + bias`.
    ///
    /// @param x [..., in]
    /// @param weight [out, in]
    /// @param bias `[out]`
    /// @return [..., out]
    public static Tensor linear(Tensor x, Tensor weight, @Nullable Tensor bias) {
        return torch.linear(x, weight, optional(bias));
    }

    /// Layer normalisation over the last dimension, without weight and bias.
    public static Tensor layerNorm(Tensor x, double eps) {
        return torch.layer_norm(x, new long[] {x.size(-1)}, new TensorOptional(), new TensorOptional(), eps, false);
    }

    /// Root-mean-square normalisation over the last dimension.
    ///
    /// @param weight [size of the last dimension]
    public static Tensor rmsNorm(Tensor x, Tensor weight, double eps) {
        return torch.rms_norm(x, new long[] {x.size(-1)}, new TensorOptional(weight), new DoubleOptional(eps));
    }

    /// Group normalisation of [B, C, ...].
    public static Tensor groupNorm(Tensor x, long groups, Tensor weight, Tensor bias, double eps) {
        return torch.group_norm(x, groups, new TensorOptional(weight), new TensorOptional(bias), eps, false);
    }

    /// 2-D convolution.
    ///
    /// @param x [B, C, H, W]
    /// @param weight [out, C, kh, kw]
    /// @param bias `[out]`
    /// @param padding zeros added on each side
    public static Tensor conv2d(Tensor x, Tensor weight, @Nullable Tensor bias, long stride, long padding) {
        if (!ChannelBlocks.areFor(x)) {
            return convolve(x, weight, bias, stride, padding);
        }
        Tensor result = convolve(
                ChannelBlocks.fill(x, 1),
                ChannelBlocks.fill(ChannelBlocks.fill(weight, 0), 1),
                bias == null ? null : ChannelBlocks.fill(bias, 0),
                stride,
                padding);
        return first(result, weight.size(0));
    }

    private static Tensor convolve(Tensor x, Tensor weight, @Nullable Tensor bias, long stride, long padding) {
        return torch.conv2d(
                x,
                weight,
                optional(bias),
                new long[] {stride, stride},
                new long[] {padding, padding},
                new long[] {1, 1},
                1);
    }

    /// The first channels of [B, C, H, W], apart from the others, so that the memory of those is free.
    private static Tensor first(Tensor x, long channels) {
        return x.size(1) == channels ? x : x.narrow(1, 0, channels).clone();
    }

    /// The gradient of [#conv2d]'s input, which follows from the result's gradient and the weight.
    ///
    /// @param gradient [B, out, H', W']
    /// @param weight [out, C, k, k]
    /// @return [B, C, height, width]
    public static Tensor conv2dInputGradient(
            Tensor gradient, Tensor weight, long height, long width, long stride, long padding) {
        long reached = 2 * padding - weight.size(2); // what a last window that ends within the input leaves of it
        boolean blocks = ChannelBlocks.areFor(gradient);
        Tensor result = torch.conv_transpose2d(
                blocks ? ChannelBlocks.fill(gradient, 1) : gradient,
                blocks ? ChannelBlocks.fill(ChannelBlocks.fill(weight, 0), 1) : weight,
                new TensorOptional(),
                new long[] {stride, stride},
                new long[] {padding, padding},
                new long[] {
                    height - (gradient.size(2) - 1) * stride + reached,
                    width - (gradient.size(3) - 1) * stride + reached
                },
                1,
                1,
                1);
        return first(result, weight.size(1));
    }

    /// Adds zeros to the right of the last and the bottom of the last but one dimension.
    public static Tensor padRightBottom(Tensor x, long right, long bottom) {
        return torch.constant_pad_nd(x, 0, right, 0, bottom);
    }

    /// Repeats every pixel of [B, C, H, W] twice in both directions.
    public static Tensor upsampleNearest2x(Tensor x) {
        return torch.upsample_nearest2d(x, x.size(2) * 2, x.size(3) * 2);
    }

    /// Rows of `table` [N, D] for `ids` (int64, any shape): [..., D].
    public static Tensor embedding(Tensor table, Tensor ids) {
        return torch.embedding(table, ids);
    }

    /// Mean of squared differences, in float32.
    public static Tensor meanSquaredError(Tensor prediction, Tensor target) {
        return torch.mse_loss(DType.FLOAT32.cast(prediction), DType.FLOAT32.cast(target));
    }

    /// Raises a number to powers.
    public static Tensor pow(double base, Tensor exponent) {
        return torch.pow(new Scalar(base), exponent);
    }

    /// Index of the bucket of each value: how many boundaries are below it.
    ///
    /// @param boundaries `[n]`, rising
    /// @return int32, of the shape of `x`
    public static Tensor bucketize(Tensor x, Tensor boundaries) {
        return torch.bucketize(x, boundaries, true, false);
    }

    /// The cumulative distribution function of the standard normal distribution.
    public static Tensor normalCdf(Tensor x) {
        return torch.special_ndtr(x);
    }

    /// The inverse of [#normalCdf]: minus infinity at 0, infinity at 1.
    public static Tensor inverseNormalCdf(Tensor x) {
        return torch.special_ndtri(x);
    }

    private static TensorOptional optional(@Nullable Tensor tensor) {
        return tensor == null ? new TensorOptional() : new TensorOptional(tensor);
    }

    /// Values below `low` become `low`, values above `high` become `high`.
    public static Tensor clamp(Tensor x, double low, double high) {
        return x.clamp(new ScalarOptional(new Scalar(low)), new ScalarOptional(new Scalar(high)));
    }

    /// Fills the channels of a convolution on the CPU up to whole blocks, with zeros.
    ///
    /// oneDNN, which computes these convolutions, lays channels out in blocks of 8 or 16. On some machines the one of
    /// libtorch 2.10 (oneDNN 3.7.1) leaves what a last block lacks as it finds it in memory: results and gradients
    /// then hold NaN or numbers of other tensors. Seen on AMD EPYC (Zen 5), in float32 and in bfloat16, with one
    /// thread and with several. The zeros change no sum. Float64 and other devices are computed by other libraries.
    static final class ChannelBlocks {

        private static final long BLOCK = 16;

        private ChannelBlocks() {}

        /// Whether a convolution of this tensor needs whole blocks.
        static boolean areFor(Tensor x) {
            return Device.of(x).equals(Device.CPU) && DType.of(x) != DType.FLOAT64;
        }

        /// @return the tensor itself where its blocks are whole
        static Tensor fill(Tensor tensor, long dimension) {
            long missing = Math.ceilDiv(tensor.size(dimension), BLOCK) * BLOCK - tensor.size(dimension);
            if (missing == 0) {
                return tensor;
            }
            long[] sides =
                    new long[Math.toIntExact(2 * (tensor.dim() - dimension))]; // before and after, last dimension first
            sides[sides.length - 1] = missing;
            return torch.constant_pad_nd(tensor, sides);
        }
    }
}
