package io.stencil.service;

import io.stencil.image.ImageSize;
import java.util.List;

/// The base model of a service and the values of requests that leave them open.
///
/// @param name of the model, by default that of its folder
/// @param dtype of its weights, such as `bfloat16`
/// @param devices on which workers are, such as `cuda:0`
/// @param steps default number of denoising steps
/// @param guidance default scale of guidance
/// @param size default size of images
public record ModelInfo(String name, String dtype, List<String> devices, int steps, double guidance, ImageSize size) {

    public ModelInfo {
        devices = List.copyOf(devices);
    }
}
