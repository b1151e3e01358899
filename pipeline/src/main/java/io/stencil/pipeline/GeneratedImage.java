package io.stencil.pipeline;

import io.stencil.image.RgbImage;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/// The result of a generation, free of native memory.
///
/// @param latents the clean latents before the VAE; what an overlay laid over the image is not in them
public record GeneratedImage(RgbImage image, Latents latents) {

    /// Normalised latents `[1, 128, H/16, W/16]` as Java values, row major.
    public static final class Latents {

        private final int height;
        private final int width;
        private final float[] values;

        private Latents(int height, int width, float[] values) {
            this.height = height;
            this.width = width;
            this.values = values;
        }

        static Latents copyOf(Tensor latents) {
            return new Latents(
                    Math.toIntExact(latents.size(2)), Math.toIntExact(latents.size(3)), Tensors.toFloats(latents));
        }

        /// H/16.
        public int height() {
            return height;
        }

        /// W/16.
        public int width() {
            return width;
        }

        /// The values as a tensor on the CPU, owned by the caller's scope.
        public Tensor toTensor() {
            return Tensors.of(values, 1, 128, height, width);
        }

        /// Writes them as tensor `latents` of a safetensors file.
        ///
        /// @throws IOException when the file cannot be written
        public void save(Path file) throws IOException {
            try (Scope _ = new Scope()) {
                TensorFiles.write(file, Map.of("latents", toTensor()), Map.of());
            }
        }
    }
}
