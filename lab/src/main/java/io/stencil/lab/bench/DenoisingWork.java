package io.stencil.lab.bench;

import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.GradMode;
import io.stencil.nn.MultiplyAdds;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;

/// One denoising pass: the velocity that a steered transformer predicts, without gradients.
final class DenoisingWork implements OpenWork {

    private final TransformerPass pass;

    DenoisingWork(BenchModels models) {
        pass = new TransformerPass(models);
    }

    @Override
    public long run() {
        try (MultiplyAdds count = new MultiplyAdds();
                Scope _ = new Scope();
                GradMode _ = GradMode.disabled()) {
            Tensors.toFloats(pass.predict(pass.steer(), Checkpointing.OFF));
            return count.total();
        }
    }

    @Override
    public int passes() {
        return 1;
    }

    @Override
    public void close() {
        pass.close();
    }
}
