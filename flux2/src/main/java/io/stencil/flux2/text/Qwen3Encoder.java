package io.stencil.flux2.text;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.text.Qwen3Layer.HalfRotation;
import io.stencil.nn.Embedding;
import io.stencil.nn.Module;
import io.stencil.nn.RmsNorm;
import io.stencil.tensor.CancellationToken;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.bytedeco.pytorch.Tensor;

/// The Qwen3 decoder (Yang et al. 2025, arXiv:2505.09388), used for its hidden states.
///
/// The final norm is a part of the checkpoint and of no hidden state.
public final class Qwen3Encoder extends Module {

    /// Tensors that a checkpoint may hold and that no hidden state needs: give them to the weight loader.
    public static final Set<String> IGNORED_TENSORS = Set.of("lm_head.weight");

    private final Qwen3Config config;
    private final Embedding embedding;
    private final List<Qwen3Layer> layers = new ArrayList<>();

    public Qwen3Encoder(Qwen3Config config) {
        this.config = config;
        embedding = module("model.embed_tokens", new Embedding(config.vocabSize(), config.hiddenSize()));
        for (int i = 0; i < config.numHiddenLayers(); i++) {
            layers.add(module("model.layers." + i, new Qwen3Layer(config)));
        }
        module("model.norm", new RmsNorm(config.hiddenSize(), config.rmsNormEps()));
    }

    public Qwen3Config config() {
        return config;
    }

    /// Where the weights lie.
    public Device device() {
        return embedding.device();
    }

    /// Computes hidden states: 0 is the embedding, k the output of layer k. Layers behind the last of them are
    /// not run.
    ///
    /// @param ids int64 `[B, S]`, each below `vocabSize`
    /// @param attentionMask `[B, S]`: 1 for a token, 0 for padding
    /// @param hiddenStates numbers in `0 .. numHiddenLayers`
    /// @param dtype of attention, MLP and result; what flows from layer to layer stays float32, because in bfloat16
    ///     the rounding of some 50 sums shows in the result
    /// @return one `[B, S, D]` for each number in the given order, on the device of the weights, owned by the
    ///     caller's scope
    /// @throws InvalidRequestException when a number is out of range
    public List<Tensor> forward(Tensor ids, Tensor attentionMask, List<Integer> hiddenStates, DType dtype) {
        int last = Collections.max(hiddenStates);
        if (Collections.min(hiddenStates) < 0 || last > layers.size()) {
            throw new InvalidRequestException(
                    "hiddenStates",
                    "hidden states %s are not available, there are 0 to %s".formatted(hiddenStates, layers.size()));
        }
        TreeMap<Integer, Tensor> kept = new TreeMap<>();
        try (OpenPass _ = openPass();
                Scope scope = new Scope()) {
            Device device = device();
            Tensor visible = Qwen3Layer.visibleKeys(attentionMask, device);
            HalfRotation rotation = HalfRotation.of((int) ids.size(1), config.headDim(), config.ropeTheta(), device);
            try (OwnedTensor hidden = new OwnedTensor(embedding.forward(device.place(ids), DType.FLOAT32))) {
                for (int k = 0; k <= last; k++) {
                    CancellationToken.check();
                    if (k > 0) {
                        try (Scope _ = new Scope()) {
                            hidden.set(layers.get(k - 1).forward(hidden.get(), rotation, visible, dtype));
                        }
                    }
                    if (hiddenStates.contains(k)) {
                        kept.put(k, scope.keep(dtype.cast(hidden.get())));
                    }
                }
            }
        }
        return hiddenStates.stream()
                .map(k -> Objects.requireNonNull(kept.get(k)))
                .toList();
    }
}
