package io.stencil.lab.bench;

import io.stencil.autograd.GradMode;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.nn.MultiplyAdds;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import org.bytedeco.pytorch.Tensor;

/// A picture through the VAE and back.
final class VaeWork implements OpenWork {

    private final AutoencoderKlFlux2 vae;
    private final LoadOptions load;
    private final int side;

    VaeWork(BenchModels models) {
        vae = models.vae();
        load = models.load();
        side = models.size().side();
    }

    @Override
    public long run() {
        try (MultiplyAdds count = new MultiplyAdds();
                Scope _ = new Scope();
                GradMode _ = GradMode.disabled();
                TorchGenerator generator = new TorchGenerator(2)) {
            Tensor pixels = load.device().place(generator.randn(load.compute(), 1, 3, side, side));
            Tensors.toFloats(vae.decode(vae.encode(pixels)));
            return count.total();
        }
    }

    @Override
    public int passes() {
        return 1;
    }

    @Override
    public void close() {
        vae.close();
    }
}
