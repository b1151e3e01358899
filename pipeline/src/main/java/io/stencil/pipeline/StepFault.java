package io.stencil.pipeline;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.transformer.BlockId;
import io.stencil.flux2.transformer.KeyValue;
import io.stencil.nn.LoraPair;
import io.stencil.pipeline.models.FiniteValues;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.Tensors;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/// Finds why the latents after a denoising step are not finite, among all that the step read.
///
/// @param step from 0
record StepFault(ModelSet models, Denoiser.Task task, int step) {

    private static final String NOT_FINITE = "holds values that are not finite (NaN or infinity)";

    InvalidRequestException of(Denoiser.Velocities velocities) {
        if (!Tensors.isFinite(velocities.positive())) {
            return of(task.positive());
        }
        if (velocities.negative() != null && task.negative() != null && !Tensors.isFinite(velocities.negative())) {
            return of(task.negative());
        }
        return new InvalidRequestException(
                "cfg_scale", "of %s drives the latents beyond float32 %s; lower it".formatted(task.cfgScale(), when()));
    }

    private InvalidRequestException of(Denoiser.Side side) {
        for (Map.Entry<BlockId, KeyValue> cached : side.kvCache().blocks().entrySet()) {
            if (!isFinite(cached.getValue().k(), cached.getValue().v())) {
                return condition("kv_cache." + cached.getKey().key());
            }
        }
        for (Map.Entry<String, LoraPair> update : side.lora().pairs().entrySet()) {
            if (!isFinite(update.getValue().a(), update.getValue().b())) {
                return condition("lora." + update.getKey());
            }
        }
        if (!Tensors.isFinite(side.text().embeds())) {
            return condition("text_embedding");
        }
        return FiniteValues.fault(
                ModelRole.TRANSFORMER,
                models.requireTransformer(),
                when(),
                "its weights are finite; lower cfg_scale (%s), the strength of a LoRA or the inputs of a Template, or try --dtype float32"
                        .formatted(task.cfgScale()));
    }

    private InvalidRequestException condition(String name) {
        return new InvalidRequestException(
                name, NOT_FINITE + ": a Template gave them; check its inputs and the weights of its model");
    }

    private static boolean isFinite(Tensor first, Tensor second) {
        return Tensors.isFinite(first) && Tensors.isFinite(second);
    }

    private String when() {
        return "in step %s of %s".formatted(step + 1, task.schedule().steps());
    }
}
