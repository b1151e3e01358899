package io.stencil.flux2.transformer;

import io.stencil.nn.Attention;
import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import org.bytedeco.pytorch.Tensor;

/// What autograd keeps of a block until the backward pass, in bytes, beside the block's inputs and outputs.
///
/// It follows from the formulas of the operations' gradients: a product keeps its input when its weight is trained,
/// the attention queries, keys, values and result, the normalisation of queries and keys its input, SwiGLU both
/// halves and their SiLU. A trained weight of another dtype than the activations' is multiplied as a copy in theirs,
/// which is kept. The test of this class measures it.
///
/// @param config of the transformer
/// @param products whether a weight of the block or a LoRA on it requires gradients
/// @param norms whether a weight of the block does
/// @param factors whether a modulation does
/// @param weights bytes of the copies of trained weights, and of what LoRAs on the block keep
record BlockActivations(TransformerConfig config, boolean products, boolean norms, boolean factors, long weights) {

    private static final int FLOAT_BYTES = 4;

    /// @param block that `in` goes into
    static BlockActivations of(TransformerConfig config, Module block, BlockInput in) {
        boolean factors = in.modulations().stream().anyMatch(modulation -> modulation.requires_grad());
        boolean weights = block.state().values().stream().anyMatch(Parameter::isTrainable);
        boolean updates = block.modules().values().stream()
                .anyMatch(part -> part instanceof Linear linear && linear.isUpdateTrained());
        return new BlockActivations(
                config, weights || updates, weights, factors, copies(block, in) + updates(block, in));
    }

    private static long copies(Module block, BlockInput in) {
        DType dtype = DType.of(in.streams().getFirst());
        return block.state().values().stream()
                        .filter(weight -> weight.isTrainable() && weight.dtype() != dtype)
                        .mapToLong(Parameter::elementCount)
                        .sum()
                * dtype.bytes();
    }

    private static long updates(Module block, BlockInput in) {
        DType dtype = DType.of(in.streams().getFirst());
        long rows = in.streams().stream().mapToLong(BlockActivations::rows).sum();
        return block.modules().values().stream()
                .mapToLong(part -> part instanceof Linear linear ? linear.updateBytes(rows, dtype) : 0)
                .sum();
    }

    /// Of a block with one stream.
    long single(BlockInput in) {
        Tensor x = in.streams().getFirst();
        long dim = config.dim();
        long mlp = config.mlpDim();
        long kept = 3 * dim + 3 * mlp; // the joint projection, the SiLU
        if (products) {
            kept += dim + (dim + mlp); // their inputs
        }
        if (factors) {
            kept += 2 * dim;
        }
        return rows(x) * (kept * bytes(x) + normalisation(x)) + attention(x, rows(x), in) + weights;
    }

    /// Of a block with two.
    long twofold(BlockInput in) {
        long dim = config.dim();
        long mlp = config.mlpDim();
        long kept = 2 * dim + dim + 3 * mlp; // q and k before their norms, the stream after attention, the MLP
        if (products) {
            kept += 2 * dim + mlp; // their inputs
        }
        if (factors) {
            kept += 4 * dim;
        }
        long total = 0;
        long rows = 0;
        for (Tensor x : in.streams()) {
            total += rows(x) * (kept * bytes(x) + normalisation(x));
            rows += rows(x);
        }
        return total + attention(in.streams().getFirst(), rows, in) + weights;
    }

    private long attention(Tensor like, long rows, BlockInput in) {
        KeyValue cached = in.cached();
        long keys = rows + (cached == null ? 0 : like.size(0) * cached.k().size(1));
        int bytes = Attention.computeDType(like).bytes();
        // q and the result, k and v, and one logarithm a query and head
        return 2L * config.dim() * (rows + keys) * bytes + rows * config.numAttentionHeads() * (long) FLOAT_BYTES;
    }

    /// For a row of q and one of k: half precision is widened and the wide copy kept; a trained weight needs the
    /// normalised values.
    private long normalisation(Tensor x) {
        int copies = (DType.of(x) == DType.FLOAT32 ? 0 : 1) + (norms ? 1 : 0);
        return 2L * FLOAT_BYTES * (copies * (long) config.dim() + config.numAttentionHeads());
    }

    private static long rows(Tensor x) {
        return x.size(0) * x.size(1);
    }

    private static int bytes(Tensor x) {
        return DType.of(x).bytes();
    }
}
