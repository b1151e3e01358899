package io.stencil.cli.demo;

import io.stencil.pipeline.GeneratedImage;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.world.judge.PixelStatistics;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a Template's input did to pictures, measured over several seeds.
///
/// @param scale the input, or null for pictures without the Template
/// @param pictures one a seed
/// @param brightness mean of the pictures' brightness, 0 to 1
/// @param latentChange mean absolute difference of the latents to those without the Template
public record Effect(@Nullable Double scale, List<GeneratedImage> pictures, double brightness, double latentChange) {

    /// @param plain the same seeds without the Template
    static Effect measure(@Nullable Double scale, List<GeneratedImage> pictures, List<GeneratedImage> plain) {
        double brightness = 0;
        double change = 0;
        for (int i = 0; i < pictures.size(); i++) {
            brightness += PixelStatistics.meanBrightness(pictures.get(i).image());
            change += difference(latents(pictures.get(i)), latents(plain.get(i)));
        }
        return new Effect(scale, List.copyOf(pictures), brightness / pictures.size(), change / pictures.size());
    }

    private static float[] latents(GeneratedImage picture) {
        try (Scope _ = new Scope()) {
            return Tensors.toFloats(picture.latents().toTensor());
        }
    }

    private static double difference(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += Math.abs(a[i] - b[i]);
        }
        return sum / a.length;
    }
}
