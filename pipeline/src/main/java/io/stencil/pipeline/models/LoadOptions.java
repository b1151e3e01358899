package io.stencil.pipeline.models;

import io.stencil.error.Arguments;
import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.files.BaseModelPart;
import io.stencil.flux2.text.Qwen3Encoder;
import io.stencil.nn.Module;
import io.stencil.nn.WeightLoader;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.ComputeDType;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import java.util.Set;

/// Options of loading models.
///
/// @param dtype of weights at rest, and of the noise that a seed means
/// @param float8 models whose linear layers rest in float8 instead, half as large as in bfloat16; they cannot be
///     trained
/// @param offload models whose layers evict their weights after each use and take them from their files again
/// @param tiling which images go through the VAE in tiles
/// @param cacheBytes bound of the prompt embeddings, Template caches and LoRAs that are kept from request to request,
///     in bytes; 0 keeps none
public record LoadOptions(
        DType dtype, Device device, Set<ModelRole> float8, Set<ModelRole> offload, VaeTiling tiling, long cacheBytes) {

    /// bfloat16 on the CPU, as checkpoints are stored.
    public static final LoadOptions DEFAULT = new LoadOptions(DType.BFLOAT16, Device.CPU);

    public LoadOptions {
        Arguments.require("dtype", dtype);
        Arguments.require("device", device);
        Arguments.require("tiling", tiling);
        float8 = Set.copyOf(Arguments.require("float8", float8));
        offload = Set.copyOf(Arguments.require("offload", offload));
        if (cacheBytes < 0) {
            throw new InvalidRequestException("cache_bytes", "must be 0 or more, found " + cacheBytes);
        }
        for (ModelRole role : offload) {
            if (float8.contains(role)) {
                throw new InvalidRequestException(
                        "offload_models",
                        "names %s, which fp8_models keeps in memory in float8; name it in one of the two"
                                .formatted(role.label()));
            }
        }
    }

    /// All models in `dtype`, which stay where they are once they were used; large images in tiles.
    public LoadOptions(DType dtype, Device device) {
        this(dtype, device, Set.of(), Set.of(), VaeTiling.OF_LARGE_IMAGES, 0);
    }

    /// Copies the options with another device.
    public LoadOptions on(Device other) {
        return new LoadOptions(dtype, other, float8, offload, tiling, cacheBytes);
    }

    /// Copies the options with these models in float8.
    public LoadOptions withFloat8(Set<ModelRole> roles) {
        return new LoadOptions(dtype, device, roles, offload, tiling, cacheBytes);
    }

    /// Copies the options with these models offloaded between their uses.
    public LoadOptions withOffload(Set<ModelRole> roles) {
        return new LoadOptions(dtype, device, float8, roles, tiling, cacheBytes);
    }

    /// Copies the options with these images in tiles.
    public LoadOptions withTiling(VaeTiling other) {
        return new LoadOptions(dtype, device, float8, offload, other, cacheBytes);
    }

    /// Copies the options with another bound of what is kept from request to request.
    ///
    /// @param bytes see [#cacheBytes]
    public LoadOptions withCache(long bytes) {
        return new LoadOptions(dtype, device, float8, offload, tiling, bytes);
    }

    /// The dtype of activations: the fastest for weights of [#dtype] on the device.
    public DType compute() {
        return ComputeDType.fastest(dtype, device);
    }

    /// Opens the weights of a model: names, shapes and dtypes are checked now, the content is read when it is first
    /// used.
    ///
    /// @param model of the part's configuration; closed when its weights cannot be opened
    /// @return `model`
    public <M extends Module> M open(M model, BaseModelPart part) {
        ModelRole role = ModelRole.of(part.config());
        Set<String> ignored = role == ModelRole.TEXT_ENCODER ? Qwen3Encoder.IGNORED_TENSORS : Set.of();
        try {
            new WeightLoader(dtype, device, float8.contains(role))
                    .open(model, part.weights(), ignored, offload.contains(role));
            return model;
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }
}
