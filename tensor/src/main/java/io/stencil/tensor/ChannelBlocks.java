package io.stencil.tensor;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/// Fills the channels of a convolution on the CPU up to whole blocks, with zeros.
///
/// oneDNN, which computes these convolutions, lays channels out in blocks of 8 or 16. On some machines the one of
/// libtorch 2.10 (oneDNN 3.7.1) leaves what a last block lacks as it finds it in memory: results and gradients then
/// hold NaN or numbers of other tensors. Seen on AMD EPYC (Zen 5), in float32 and in bfloat16, with one thread and with
/// several. The zeros change no sum. Float64 and other devices are computed by other libraries.
final class ChannelBlocks {

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
