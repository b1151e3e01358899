package io.stencil.lab.bench;

import io.stencil.autograd.GradMode;
import io.stencil.flux2.text.Qwen3Encoder;
import io.stencil.nn.MultiplyAdds;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// A prompt of random tokens through the layers of the text encoder.
final class TextWork implements OpenWork {

    private final Qwen3Encoder encoder;
    private final LoadOptions load;
    private final BenchSize size;

    TextWork(BenchModels models) {
        encoder = models.text();
        load = models.load();
        size = models.size();
    }

    @Override
    public long run() {
        try (MultiplyAdds count = new MultiplyAdds();
                Scope _ = new Scope();
                GradMode _ = GradMode.disabled();
                TorchGenerator generator = new TorchGenerator(2)) {
            Tensor ids = generator.randint(encoder.config().vocabSize(), 1, size.textTokens());
            Tensor mask = Tensors.full(1, DType.INT64, Device.CPU, 1, size.textTokens());
            int state = Math.min(size.hiddenState(), encoder.config().numHiddenLayers());
            Tensors.toFloats(
                    encoder.forward(ids, mask, List.of(state), load.compute()).getFirst());
            return count.total();
        }
    }

    @Override
    public int passes() {
        return 1;
    }

    @Override
    public void close() {
        encoder.close();
    }
}
