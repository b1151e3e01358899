package io.stencil.flux2.vae;

import io.stencil.nn.WeightLoader;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.TestFiles;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;

/// The VAE of the tiny model, and the pictures of its goldens.
final class TinyVae {

    static final Path CONFIG = TestFiles.tinyModel("vae/config.json");
    private static final Path WEIGHTS = TestFiles.tinyModel("vae/diffusion_pytorch_model.safetensors");

    private TinyVae() {}

    static AutoencoderKlFlux2 load(DType dtype) {
        AutoencoderKlFlux2 vae = new AutoencoderKlFlux2(VaeConfig.read(CONFIG));
        new WeightLoader(dtype, Device.CPU).load(vae, SafetensorsFile.open(WEIGHTS));
        return vae;
    }

    /// Red, green and blue of every pixel of a golden picture, row by row.
    static byte[] readRgb(String golden) {
        BufferedImage image;
        try {
            image = ImageIO.read(TestFiles.golden(golden).toFile());
        } catch (IOException e) {
            throw new IllegalStateException(golden + " cannot be read", e);
        }
        int width = image.getWidth();
        byte[] rgb = new byte[image.getHeight() * width * 3];
        for (int i = 0; i < rgb.length; i++) {
            int pixel = image.getRGB(i / 3 % width, i / 3 / width);
            rgb[i] = (byte) (pixel >> (16 - 8 * (i % 3)));
        }
        return rgb;
    }
}
