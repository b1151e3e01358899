package io.stencil.pipeline;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.Scope;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// The tensors in a request, which scopes of the caller own.
final class RequestTensors {

    /// What is wrong with one that was freed.
    static final String FREED =
            "is a tensor that was freed with the scope it was made in; keep that scope open until generate() returns";

    private RequestTensors() {}

    /// Keeps all of them in memory until `scope` is closed, whatever other threads close meanwhile.
    ///
    /// @throws InvalidRequestException naming one that is freed already, or a LoRA of several samples
    static void hold(GenerationRequest request, Scope scope) {
        hold("noise", request.noise(), scope);
        hold("positive", request.positive(), scope);
        hold("negative", request.negative(), scope);
    }

    private static void hold(String side, SideConditions conditions, Scope scope) {
        hold(side + ".text_embedding", conditions.textEmbedding(), scope);
        conditions.kvCache().blocks().forEach((block, cached) -> {
            hold(side + ".kv_cache." + block.key(), cached.k(), scope);
            hold(side + ".kv_cache." + block.key(), cached.v(), scope);
        });
        conditions.lora().pairs().forEach((layer, pair) -> {
            hold(side + ".lora." + layer, pair.a(), scope);
            hold(side + ".lora." + layer, pair.b(), scope);
            if (pair.a().dim() == 3 && pair.a().size(0) != 1) {
                throw new InvalidRequestException(
                        side + ".lora." + layer,
                        "has updates of %s samples; a generation has one"
                                .formatted(pair.a().size(0)));
            }
        });
    }

    private static void hold(String field, @Nullable Tensor tensor, Scope scope) {
        if (tensor != null && !scope.hold(tensor)) {
            throw new InvalidRequestException(field, FREED);
        }
    }
}
