package io.stencil.flux2.vae;

import io.stencil.nn.Attention;
import io.stencil.nn.GroupNorm;
import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.tensor.Scope;
import org.bytedeco.pytorch.Tensor;

/// Every pixel sees every pixel, with one head as wide as the channels; added to the input.
final class SpatialAttention extends Module {

    private final GroupNorm norm;
    private final Linear query;
    private final Linear key;
    private final Linear value;
    private final Linear out;

    SpatialAttention(int channels, int groups) {
        norm = module("group_norm", new GroupNorm(groups, channels, VaeConfig.GROUP_NORM_EPS));
        query = module("to_q", new Linear(channels, channels, true));
        key = module("to_k", new Linear(channels, channels, true));
        value = module("to_v", new Linear(channels, channels, true));
        out = module("to_out.0", new Linear(channels, channels, true));
    }

    /// @param x `[B, C, H, W]`
    /// @return the shape of `x`
    Tensor forward(Tensor x) {
        try (Scope scope = new Scope()) {
            Tensor tokens = norm.forward(x).flatten(2, 3).transpose(1, 2); // [B, HW, C]
            Tensor attended = Attention.attend(
                    query.forward(tokens).unsqueeze(2), // [B, HW, 1, C]
                    key.forward(tokens).unsqueeze(2),
                    value.forward(tokens).unsqueeze(2));
            Tensor update = out.forward(attended).transpose(1, 2).unflatten(2, x.size(2), x.size(3));
            return scope.keep(x.add(update));
        }
    }
}
