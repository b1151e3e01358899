package io.stencil.pipeline;

import io.stencil.autograd.Checkpointing;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.flux2.schedule.FlowMatchSchedule;
import io.stencil.flux2.transformer.BlockId;
import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.flux2.transformer.KeyValue;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.flux2.transformer.TextTokens;
import io.stencil.flux2.transformer.TransformerInput;
import io.stencil.image.RgbImage;
import io.stencil.nn.LayerUpdate;
import io.stencil.nn.Lora;
import io.stencil.nn.LoraBinding;
import io.stencil.pipeline.models.FiniteValues;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.CancellationToken;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// The denoising loop: Euler steps along the predicted velocity, with classifier-free guidance and inpainting.
///
/// Latents stay in float32 between steps whatever the pipeline's dtype, and the timestep goes to the transformer in
/// float32: more exact in bfloat16 than the reference implementation, which rounds both.
final class Denoiser {

    /// One side of guidance.
    record Side(TextTokens text, KvCache kvCache, Lora lora) {}

    /// Inputs that are the same in all steps and for all images.
    ///
    /// @param imageIds `[1, Si, 4]`
    /// @param negative null when there is no guidance
    record Task(
            FlowMatchSchedule schedule,
            Tensor imageIds,
            List<ImageTokens> references,
            Side positive,
            @Nullable Side negative,
            double cfgScale,
            double embeddedGuidance,
            @Nullable InpaintLatents inpaint) {}

    /// Keeps the input image outside the mask.
    ///
    /// @param mask 1 where the image is made anew, `[1, Si, 1]`
    /// @param clean latents of the input image, float32 `[1, Si, 128]`
    record InpaintLatents(Tensor mask, Tensor clean) {

        /// The velocity that leads to the input image outside the mask.
        Tensor restrict(Tensor velocity, Tensor latents, double sigma) {
            Tensor back = Ops.mul(latents.sub(clean), 1 / sigma);
            Tensor outside = Ops.add(mask.neg(), 1);
            return mask.mul(velocity).add(outside.mul(back));
        }
    }

    /// Predictions of both sides, float32 `[B, Si, 128]`.
    ///
    /// @param negative null when there is no guidance
    record Velocities(Tensor positive, @Nullable Tensor negative) {

        Tensor guided(double cfgScale) {
            return negative == null ? positive : Ops.addScaled(negative, positive.sub(negative), cfgScale);
        }
    }

    private final ModelSet models;
    private final ProgressListener progress;

    Denoiser(ModelSet models, ProgressListener progress) {
        this.models = models;
        this.progress = progress;
    }

    /// Denoises images of one task together.
    ///
    /// @param start float32 `[B, 128, H/16, W/16]`
    /// @return clean latents, likewise, owned by the caller's scope
    /// @throws io.stencil.error.InvalidRequestException after the first step whose latents are not finite, naming what
    ///     brought that about
    /// @throws io.stencil.error.CancelledException when the calling thread is to stop
    Tensor run(Task task, Tensor start) {
        Tensor latents = ImageTokens.flatten(start);
        int steps = task.schedule().steps();
        for (int step = 0; step < steps; step++) {
            CancellationToken.check();
            try (Scope scope = new Scope()) {
                Velocities velocities = velocities(task, latents, step);
                Tensor velocity = velocities.guided(task.cfgScale());
                if (task.inpaint() != null) {
                    velocity = task.inpaint()
                            .restrict(velocity, latents, task.schedule().sigma(step));
                }
                Tensor next = task.schedule().step(latents, velocity, step);
                if (!Tensors.isFinite(next)) {
                    throw new StepFault(models, task, step).of(velocities);
                }
                report(task, step, new Prediction(latents, velocity, start.size(2), start.size(3)));
                latents = scope.keep(next);
            }
        }
        return ImageTokens.unflatten(latents, start.size(2), start.size(3));
    }

    private void report(Task task, int step, Prediction prediction) {
        FlowMatchSchedule schedule = task.schedule();
        try (StepPreviews previews = new StepPreviews(models, prediction, schedule.sigma(step))) {
            progress.onStep(step + 1, schedule.steps(), previews);
        }
    }

    /// What the transformer predicts in a step.
    ///
    /// @param latents before the step, `[B, rows * columns, 128]`
    /// @param velocity likewise
    private record Prediction(Tensor latents, Tensor velocity, long rows, long columns) {

        /// @return `[B, 128, rows, columns]`
        Tensor clean(double sigma) {
            return ImageTokens.unflatten(Ops.addScaled(latents, velocity, -sigma), rows, columns);
        }
    }

    /// Previews of the latents that a step predicts, until the step is over.
    private static final class StepPreviews implements ProgressListener.Previews, AutoCloseable {

        private final Thread thread = Thread.currentThread();
        private final ModelSet models;
        private final Prediction prediction;
        private final double sigma;
        private boolean over;

        StepPreviews(ModelSet models, Prediction prediction, double sigma) {
            this.models = models;
            this.prediction = prediction;
            this.sigma = sigma;
        }

        @Override
        public int first() {
            return 0;
        }

        @Override
        public List<RgbImage> images() {
            if (over || !thread.equals(Thread.currentThread())) {
                throw new InvalidStateException(
                        "previews of a step can be read within onStep() alone, on the thread that calls it");
            }
            try (Scope _ = new Scope()) {
                return models.preview(prediction.clean(sigma));
            }
        }

        @Override
        public void close() {
            over = true;
        }
    }

    private Velocities velocities(Task task, Tensor latents, int step) {
        Tensor positive = velocity(task, task.positive(), latents, step);
        return new Velocities(
                positive, task.negative() == null ? null : velocity(task, task.negative(), latents, step));
    }

    /// @return float32 `[B, Si, 128]`
    private Tensor velocity(Task task, Side side, Tensor latents, int step) {
        double timestep = task.schedule().timestep(step);
        long batch = latents.size(0);
        TransformerInput input = new TransformerInput(
                new ImageTokens(models.compute().cast(latents), task.imageIds()),
                task.references().stream()
                        .map(reference -> reference.expandTo(batch))
                        .toList(),
                side.text().expandTo(batch),
                Tensors.full(timestep, DType.FLOAT32, models.device(), batch),
                task.embeddedGuidance(),
                side.kvCache());
        try (LoraBinding _ = LoraBinding.bind(models.requireTransformer(), side.lora())) {
            return DType.FLOAT32.cast(models.requireTransformer().forward(input, Checkpointing.OFF));
        }
    }

    /// Finds why the latents after a denoising step are not finite, among all that the step read.
    ///
    /// @param step from 0
    private record StepFault(ModelSet models, Denoiser.Task task, int step) {

        private static final String NOT_FINITE = "holds values that are not finite (NaN or infinity)";

        InvalidRequestException of(Denoiser.Velocities velocities) {
            if (!Tensors.isFinite(velocities.positive())) {
                return of(task.positive());
            }
            if (velocities.negative() != null && task.negative() != null && !Tensors.isFinite(velocities.negative())) {
                return of(task.negative());
            }
            return new InvalidRequestException(
                    "cfg_scale",
                    "of %s drives the latents beyond float32 %s; lower it".formatted(task.cfgScale(), when()));
        }

        private InvalidRequestException of(Denoiser.Side side) {
            for (Map.Entry<BlockId, KeyValue> cached : side.kvCache().blocks().entrySet()) {
                if (!isFinite(cached.getValue().k(), cached.getValue().v())) {
                    return condition("kv_cache." + cached.getKey().key());
                }
            }
            for (Map.Entry<String, List<LayerUpdate>> updates :
                    side.lora().updates().entrySet()) {
                boolean finite = updates.getValue().stream()
                        .flatMap(update -> update.tensors().stream())
                        .allMatch(Tensors::isFinite);
                if (!finite) {
                    return condition("lora." + updates.getKey());
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
}
