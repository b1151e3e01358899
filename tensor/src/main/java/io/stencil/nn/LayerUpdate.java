package io.stencil.nn;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.WeightValues;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// An update of one linear layer's weight `W` `[out, in]`, which takes effect on the layer's output; `W` itself does
/// not change.
public sealed interface LayerUpdate permits LayerUpdate.Additive, LayerUpdate.Dora {

    /// Rows of a weight that are built at once where a whole weight is not needed.
    long ROWS_AT_ONCE = 1024;

    /// Why this update cannot be one of a layer, or nothing when it can.
    ///
    /// @param weight the shape of the layer's weight, `[out, in]`
    Optional<String> misfit(long... weight);

    /// The difference that the update makes to the weight.
    ///
    /// @param weight `W`, float32 `[out, in]`
    /// @return float32 `[out, in]`
    Tensor change(Tensor weight);

    /// All tensors that the update consists of.
    List<Tensor> tensors();

    /// The same update with other tensors, such as copies.
    LayerUpdate map(UnaryOperator<Tensor> copy);

    /// Bytes that autograd keeps of an update until the backward pass, beside its input.
    ///
    /// @param rows of the input, those of all samples
    /// @param dtype of the input
    long activationBytes(long rows, DType dtype);

    private static long copyBytes(List<Tensor> tensors, DType dtype) {
        return tensors.stream()
                .filter(tensor -> DType.of(tensor) != dtype)
                .mapToLong(tensor -> tensor.numel() * dtype.bytes())
                .sum();
    }

    /// An update `D` that is added: `W x` becomes `W x + D x`.
    sealed interface Additive extends LayerUpdate permits LoraPair, Scaled, Kronecker, Whole {

        /// `D x`, in the dtype of `x`.
        ///
        /// @param x `[..., in]`
        /// @return `[..., out]`
        Tensor update(Tensor x);

        /// Some rows of `D`, built.
        ///
        /// @return float32 `[count, in]`
        Tensor built(long first, long count);

        /// The update that some rows of `D` are.
        Additive rows(long first, long count);

        @Override
        Additive map(UnaryOperator<Tensor> copy);

        @Override
        default Tensor change(Tensor weight) {
            return Device.of(weight).place(built(0, weight.size(0)), DType.FLOAT32);
        }
    }

    /// A low-rank update with a scale: `D = scale * B A`. It scales the output, so that `B` may be trained as it is.
    record Scaled(LoraPair pair, double scale) implements Additive {

        @Override
        public Tensor update(Tensor x) {
            return Ops.mul(pair.update(x), scale);
        }

        @Override
        public Tensor built(long first, long count) {
            return Ops.mul(pair.built(first, count), scale);
        }

        @Override
        public Scaled rows(long first, long count) {
            return new Scaled(pair.rows(first, count), scale);
        }

        @Override
        public Optional<String> misfit(long... weight) {
            return pair.misfit(weight);
        }

        @Override
        public List<Tensor> tensors() {
            return pair.tensors();
        }

        @Override
        public Scaled map(UnaryOperator<Tensor> copy) {
            return new Scaled(pair.map(copy), scale);
        }

        @Override
        public long activationBytes(long rows, DType dtype) {
            return pair.activationBytes(rows, dtype);
        }
    }

    /// Rows of a Kronecker product (LoKr, arXiv:2309.14859): `D = left (x) right`, in which block row `i`, block
    /// column `j` is `left[i, j] * right`. The product is never built: `D x` is `left X right^T`, where `X` is `x` in
    /// as many rows as `left` has columns.
    ///
    /// @param left `[l, i1]`
    /// @param right one matrix `[o2, i2]`, or two whose product it is
    /// @param row first row of the product that belongs to the update
    /// @param count of these rows
    record Kronecker(Tensor left, List<Tensor> right, long row, long count) implements Additive {

        public Kronecker {
            right = List.copyOf(right);
        }

        /// All rows of a product.
        public static Kronecker of(Tensor left, List<Tensor> right) {
            return new Kronecker(left, right, 0, left.size(0) * right.getFirst().size(0));
        }

        private long rightRows() {
            return right.getFirst().size(0);
        }

        private long columns() {
            return left.size(1) * right.getLast().size(1);
        }

        @Override
        public Tensor update(Tensor x) {
            DType dtype = DType.of(x);
            Device device = Device.of(x);
            Tensor result = x.reshape(-1, left.size(1), right.getLast().size(1));
            for (Tensor factor : right.reversed()) {
                result = Ops.linear(result, device.place(factor, dtype), null);
            }
            result = device.place(left, dtype).matmul(result); // [N, l, o2]
            long[] shape = Tensors.shape(x);
            shape[shape.length - 1] = count;
            return result.flatten(1, 2).narrow(1, row, count).reshape(shape);
        }

        @Override
        public Tensor built(long first, long rows) {
            Kronecker part = rows(first, rows);
            Tensor factor = DType.FLOAT32.cast(right.getFirst());
            if (right.size() == 2) {
                factor = factor.matmul(DType.FLOAT32.cast(right.getLast()));
            }
            Tensor blocks = DType.FLOAT32
                    .cast(part.left)
                    .view(part.left.size(0), 1, left.size(1), 1)
                    .mul(factor.view(1, factor.size(0), 1, factor.size(1)));
            return blocks.reshape(-1, columns()).narrow(0, part.row, rows);
        }

        @Override
        public Kronecker rows(long first, long rows) {
            long block = (row + first) / rightRows();
            long end = Math.ceilDiv(row + first + rows, rightRows());
            return new Kronecker(left.narrow(0, block, end - block), right, row + first - block * rightRows(), rows);
        }

        @Override
        public Optional<String> misfit(long... weight) {
            return count == weight[0] && columns() == weight[1]
                    ? Optional.empty()
                    : Optional.of("is a layer of [%s, %s], and the Kronecker product is [%s, %s]"
                            .formatted(weight[0], weight[1], count, columns()));
        }

        @Override
        public List<Tensor> tensors() {
            List<Tensor> all = new ArrayList<>(List.of(left));
            all.addAll(right);
            return all;
        }

        @Override
        public Kronecker map(UnaryOperator<Tensor> copy) {
            return new Kronecker(copy.apply(left), right.stream().map(copy).toList(), row, count);
        }

        @Override
        public long activationBytes(long rows, DType dtype) {
            return copyBytes(tensors(), dtype);
        }
    }

    /// An update as a matrix of the weight's size, for what no smaller factors can express.
    ///
    /// @param matrix `D`, `[out, in]`
    record Whole(Tensor matrix) implements Additive {

        @Override
        public Tensor update(Tensor x) {
            return Ops.linear(x, Device.of(x).place(matrix, DType.of(x)), null);
        }

        @Override
        public Tensor built(long first, long count) {
            return DType.FLOAT32.cast(matrix.narrow(0, first, count));
        }

        @Override
        public Whole rows(long first, long count) {
            return new Whole(matrix.narrow(0, first, count));
        }

        @Override
        public Optional<String> misfit(long... weight) {
            return matrix.size(0) == weight[0] && matrix.size(1) == weight[1]
                    ? Optional.empty()
                    : Optional.of("is a layer of [%s, %s], and the update is [%s, %s]"
                            .formatted(weight[0], weight[1], matrix.size(0), matrix.size(1)));
        }

        @Override
        public List<Tensor> tensors() {
            return List.of(matrix);
        }

        @Override
        public Whole map(UnaryOperator<Tensor> copy) {
            return new Whole(copy.apply(matrix));
        }

        @Override
        public long activationBytes(long rows, DType dtype) {
            return copyBytes(tensors(), dtype);
        }
    }

    /// Vectors of a weight that have a magnitude of their own.
    enum Axis {
        /// Each row: the weights of one output.
        OUTPUT,
        /// Each column: the weights of one input.
        INPUT
    }

    /// A weight-decomposed update (DoRA, arXiv:2402.09353): `W` becomes `W' = m (W + D) / |W + D|`, where `|.|` is
    /// the norm of each row or column. With `g = m / |W + D|`, which is computed once, and a strength `s` the output
    /// `W x` gets `s (W' - W) x`: that is `s (g - 1) W x + s g D x` for rows, and `W (s (g - 1) x) + D (s g x)` for
    /// columns.
    ///
    /// @param change `D`
    /// @param base `s (g - 1)`, float32 `[out]` or `[in]`
    /// @param factor `s g`, likewise
    record Dora(Additive change, Tensor base, Tensor factor, Axis axis) implements LayerUpdate {

        /// An update of a weight at rest.
        ///
        /// @param magnitude `m`, float32 `[out]` or `[in]`
        /// @param norm `|W + D|`, likewise; where it is zero, `W'` is zero
        public static Dora of(Additive change, Tensor magnitude, Tensor norm, Axis axis, double strength) {
            Tensor zero = norm.eq(new Scalar(0.0));
            Tensor scale = magnitude.div(norm).masked_fill(zero, new Scalar(0.0));
            return new Dora(change, Ops.mul(Ops.add(scale, -1), strength), Ops.mul(scale, strength), axis);
        }

        /// Squared norms of the rows or columns of `W + D`. Some rows at a time are built.
        ///
        /// @return float32 `[out]` or `[in]`, owned by the caller's scope
        public static Tensor squaredNorms(Parameter weight, Additive change, Axis axis) {
            long[] shape = weight.shape();
            Tensor sums = Tensors.zeros(DType.FLOAT32, weight.device(), axis == Axis.OUTPUT ? shape[0] : shape[1]);
            try {
                weight.values().forEachPart(DType.FLOAT32, part -> {
                    for (long row = 0; row < part.count(); row += ROWS_AT_ONCE) {
                        try (Scope _ = new Scope()) {
                            long count = Math.min(ROWS_AT_ONCE, part.count() - row);
                            Tensor rows = changed(part, row, count, change).square();
                            if (axis == Axis.OUTPUT) {
                                sums.narrow(0, part.row() + row, count).copy_(rows.sum(1));
                            } else {
                                sums.add_(rows.sum(0));
                            }
                        }
                    }
                });
            } finally {
                weight.evict();
            }
            return sums;
        }

        private static Tensor changed(WeightValues.Part part, long row, long count, Additive change) {
            Tensor rows = part.values().detach().narrow(0, row, count);
            if (part.scale() != null) {
                rows = rows.mul(part.scale().narrow(0, row, count).unsqueeze(1));
            }
            Tensor update = change.built(part.row() + row, count);
            return rows.add(Device.of(rows).place(update, DType.FLOAT32));
        }

        /// Adds the update to an output.
        ///
        /// @param y `[..., out]`, for columns with what the base weight gives for the [scaled input][#inputScale]
        /// @param x `[..., in]`
        /// @param product `W x`; needed for rows alone
        Tensor addTo(Tensor y, Tensor x, @Nullable Tensor product) {
            DType dtype = DType.of(x);
            Device device = Device.of(x);
            Tensor scale = device.place(factor, dtype);
            if (axis == Axis.INPUT) {
                return y.add(change.update(x.mul(scale)));
            }
            Tensor sum = Ops.multiplyAdd(change.update(x), scale, y);
            return product == null ? sum : Ops.multiplyAdd(product, device.place(base, dtype), sum);
        }

        /// The sum of the factors by which columns scale the input of the base weight, or null when there is none.
        static @Nullable Tensor inputScale(List<Dora> updates) {
            Tensor sum = null;
            for (Dora update : updates) {
                if (update.axis == Axis.INPUT) {
                    sum = sum == null ? update.base : sum.add(update.base);
                }
            }
            return sum;
        }

        @Override
        public Tensor change(Tensor weight) {
            boolean rows = axis == Axis.OUTPUT;
            Tensor ofBase = rows ? base.unsqueeze(1) : base;
            Tensor ofChange = rows ? factor.unsqueeze(1) : factor;
            return weight.mul(ofBase).add(change.change(weight).mul(ofChange));
        }

        @Override
        public Optional<String> misfit(long... weight) {
            long expected = weight[axis == Axis.OUTPUT ? 0 : 1];
            return base.numel() == expected
                    ? change.misfit(weight)
                    : Optional.of("is a layer of [%s, %s], and its magnitudes are %s"
                            .formatted(weight[0], weight[1], base.numel()));
        }

        @Override
        public List<Tensor> tensors() {
            List<Tensor> all = new ArrayList<>(change.tensors());
            all.add(base);
            all.add(factor);
            return all;
        }

        @Override
        public Dora map(UnaryOperator<Tensor> copy) {
            return new Dora(change.map(copy), copy.apply(base), copy.apply(factor), axis);
        }

        @Override
        public long activationBytes(long rows, DType dtype) {
            return change.activationBytes(rows, dtype);
        }
    }
}
