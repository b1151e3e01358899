package io.stencil.train;

import io.stencil.flux2.transformer.BlockId;
import io.stencil.flux2.transformer.KeyValue;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.nn.Initializer;
import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.load.InMemoryTemplate.Scale;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/// A network from a number to keys and values, with the names of the value family.
final class ValueNetwork extends TemplateModel<Scale, Scale> {

    private static final int DIM = 128;
    private static final int HEADS = 4;

    private final Map<BlockId, List<Projection>> projections = new LinkedHashMap<>();

    ValueNetwork() {
        for (String key : List.of("double_0", "double_1", "single_0", "single_1", "single_2")) {
            projections.put(
                    BlockId.parse(key),
                    List.of(module("proj_k." + key, new Projection()), module("proj_v." + key, new Projection())));
        }
    }

    @Override
    public Scale processInputs(Scale inputs, Flux2Pipeline pipeline) {
        return inputs;
    }

    @Override
    public TemplateCache forward(Scale processed, ForwardContext context) {
        Map<BlockId, KeyValue> blocks = new LinkedHashMap<>();
        projections.forEach((block, pair) -> blocks.put(
                block,
                new KeyValue(
                        pair.get(0).forward(processed.scale(), context.dtype()),
                        pair.get(1).forward(processed.scale(), context.dtype()))));
        return TemplateCache.of(new KvCache(blocks));
    }

    private static final class Projection extends Module {
        private final Linear first = module("prefer_value_embedder.0", new Linear(256, DIM, true));
        private final Linear second = module("prefer_value_embedder.2", new Linear(DIM, DIM, true));
        private final Parameter positions = parameter("positional_embedding", Initializer.normal(1), 8, DIM);

        Tensor forward(double value, DType dtype) {
            Tensor hidden = second.forward(Ops.silu(first.forward(dtype.cast(sinusoid(value * 1000)))));
            return hidden.add(dtype.cast(positions.get())).view(1, -1, HEADS, DIM / HEADS);
        }

        private static Tensor sinusoid(double value) {
            float[] values = new float[256];
            for (int i = 0; i < 128; i++) {
                float frequency = (float) Math.exp(-Math.log(10000) * i / 128);
                values[i] = (float) Math.cos((float) value * frequency);
                values[i + 128] = (float) Math.sin((float) value * frequency);
            }
            return Tensors.of(values, 1, 256);
        }
    }
}
