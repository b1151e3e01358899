package io.stencil.service;

import io.stencil.image.ImageSize;
import io.stencil.pipeline.GenerationParameters;
import io.stencil.pipeline.models.ModelKind;
import java.util.List;

/// The base model of a service and the values of requests that leave them open.
///
/// @param name of the model, by default that of its folder
/// @param kind of training, from which the defaults follow
/// @param recorded names and hashes of its files, as images carry them
/// @param devices on which workers are, such as `cuda:0`
/// @param size default size of images
public record ModelInfo(
        String name, ModelKind kind, GenerationParameters.Model recorded, List<String> devices, ImageSize size) {

    public ModelInfo {
        devices = List.copyOf(devices);
    }

    /// Default number of denoising steps.
    public int steps() {
        return kind.steps();
    }

    /// Default scale of guidance; 1 is none.
    public double guidance() {
        return kind.cfgScale();
    }

    /// Dtype of the weights, such as `bfloat16`.
    public String dtype() {
        return recorded.dtype();
    }
}
