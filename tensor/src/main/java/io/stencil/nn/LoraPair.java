package io.stencil.nn;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/// A low-rank update of one linear layer (Hu et al. 2021, arXiv:2106.09685): `W x` becomes `W x + B (A x)`.
///
/// @param a `[r, in]`, or `[B, r, in]` with an update of its own for each sample of a batch
/// @param b `[out, r]`, or `[B, out, r]`
public record LoraPair(Tensor a, Tensor b) implements LayerUpdate.Additive {

    /// The update of an output: `B (A x)`, for x `[..., in]` gives `[..., out]`, in the dtype of `x`. With an update a
    /// sample, or one for all of them, x is `[B, in]` or `[B, S, in]`.
    @Override
    public Tensor update(Tensor x) {
        DType dtype = DType.of(x);
        Device device = Device.of(x);
        Tensor down = device.place(a, dtype);
        Tensor up = device.place(b, dtype);
        if (!isPerSample()) {
            return Ops.linear(Ops.linear(x, down, null), up, null);
        }
        Tensor rows = x.dim() == 2 ? x.unsqueeze(1) : x; // [B, S, in]
        Tensor updated = rows.bmm(expanded(down, rows).transpose(1, 2)) // [B, S, r]
                .bmm(expanded(up, rows).transpose(1, 2)); //               [B, S, out]
        return x.dim() == 2 ? updated.squeeze(1) : updated;
    }

    /// An update of one sample serves all of a batch.
    private static Tensor expanded(Tensor matrix, Tensor rows) {
        return matrix.size(0) == rows.size(0) ? matrix : matrix.expand(rows.size(0), matrix.size(1), matrix.size(2));
    }

    @Override
    public Tensor built(long first, long count) {
        return DType.FLOAT32
                .cast(b.detach().narrow(0, first, count))
                .matmul(Device.of(b).place(a.detach(), DType.FLOAT32));
    }

    @Override
    public LoraPair rows(long first, long count) {
        return new LoraPair(a, b.narrow(-2, first, count));
    }

    @Override
    public List<Tensor> tensors() {
        return List.of(a, b);
    }

    @Override
    public LoraPair map(UnaryOperator<Tensor> copy) {
        return new LoraPair(copy.apply(a), copy.apply(b));
    }

    @Override
    public long activationBytes(long rows, DType dtype) {
        long copies = (DType.of(a) == dtype ? 0 : a.numel()) + (DType.of(b) == dtype ? 0 : b.numel());
        return (rows * a.size(-2) + copies) * dtype.bytes();
    }

    /// Whether each sample of a batch has an update of its own.
    public boolean isPerSample() {
        return a.dim() == 3;
    }

    @Override
    public Optional<String> misfit(long... weight) {
        boolean fits = a.dim() == b.dim()
                && (a.dim() == 2 || (a.dim() == 3 && a.size(0) == b.size(0)))
                && a.size(-1) == weight[1]
                && b.size(-2) == weight[0]
                && a.size(-2) == b.size(-1);
        return fits
                ? Optional.empty()
                : Optional.of("is a layer of [%s, %s]; lora_A must be [r, %s] and lora_B [%s, r]"
                        .formatted(weight[0], weight[1], weight[1], weight[0]));
    }

    /// Ranks added up: joined along the rank, so that the effect is the sum of both updates.
    public LoraPair join(LoraPair other) {
        return new LoraPair(Ops.cat(-2, a, other.a), Ops.cat(-1, b, other.b));
    }

    /// An update for each sample of a batch, from one pair a sample. Ranks are brought to the largest by zeros, which
    /// change nothing.
    ///
    /// @param samples `[r, in]` and `[out, r]` each, for one layer
    public static LoraPair stack(List<LoraPair> samples) {
        long rank = samples.stream().mapToLong(pair -> pair.a.size(0)).max().orElseThrow();
        return new LoraPair(
                Ops.cat(
                        0,
                        samples.stream()
                                .map(pair -> widened(pair.a, 0, rank).unsqueeze(0))
                                .toList()),
                Ops.cat(
                        0,
                        samples.stream()
                                .map(pair -> widened(pair.b, 1, rank).unsqueeze(0))
                                .toList()));
    }

    private static Tensor widened(Tensor matrix, int dimension, long rank) {
        long missing = rank - matrix.size(dimension);
        if (missing == 0) {
            return matrix;
        }
        long other = matrix.size(1 - dimension);
        Tensor zeros = dimension == 0
                ? Tensors.zeros(DType.of(matrix), Device.of(matrix), missing, other)
                : Tensors.zeros(DType.of(matrix), Device.of(matrix), other, missing);
        return Ops.cat(dimension, matrix, zeros);
    }

    /// An update of the same layer that changes nothing.
    public LoraPair neutral() {
        return new LoraPair(
                Tensors.zeros(DType.of(a), Device.of(a), 1, a.size(-1)),
                Tensors.zeros(DType.of(b), Device.of(b), b.size(-2), 1));
    }
}
