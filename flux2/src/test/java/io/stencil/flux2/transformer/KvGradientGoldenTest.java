package io.stencil.flux2.transformer;

import static io.stencil.testing.TensorAssert.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.GradientTape;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.testing.Golden;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

/// The loss with a KV cache and its gradients for every k and v, which is what a Template learns from.
class KvGradientGoldenTest {

    private static final double LOSS = 1e-5;
    private static final double GRADIENT = 1e-4;
    private static final double BFLOAT16 = 3e-2;
    private static final double PLAIN_TO_CHECKPOINTED = 1e-5;

    private static Tensor loss(
            Golden golden, DType dtype, Flux2Transformer transformer, KvCache cache, Checkpointing mode) {
        TransformerInput input = TinyTransformer.input(golden, dtype).withKvCache(cache);
        return Ops.meanSquaredError(transformer.forward(input, mode), golden.tensor("target"));
    }

    /// Gradients by the names of the golden's, `double_0.k` and so on, after the loss was compared.
    private static Map<String, Tensor> gradients(boolean checkpointed, DType dtype) {
        try (Flux2Transformer transformer = TinyTransformer.load(dtype)) {
            Golden golden = Golden.read(TinyTransformer.GOLDEN);
            KvCache cache = TinyTransformer.cache(golden);
            cache.blocks().values().forEach(cached -> {
                cached.k().requires_grad_(true);
                cached.v().requires_grad_(true);
            });
            Tensor loss;
            if (checkpointed) {
                try (GradientTape tape = new GradientTape()) {
                    loss = loss(golden, dtype, transformer, cache, tape);
                    tape.backward(loss);
                }
            } else {
                loss = loss(golden, dtype, transformer, cache, Checkpointing.OFF);
                loss.backward();
            }
            assertClose("loss_kv", loss.view(1), golden.tensor("loss_kv"), dtype == DType.FLOAT32 ? LOSS : BFLOAT16);
            Map<String, Tensor> gradients = new LinkedHashMap<>();
            cache.blocks().forEach((block, cached) -> {
                gradients.put(block.key() + ".k", cached.k().grad());
                gradients.put(block.key() + ".v", cached.v().grad());
            });
            return gradients;
        }
    }

    private static void assertGolden(Map<String, Tensor> gradients, double tolerance) {
        Golden golden = Golden.read(TinyTransformer.GOLDEN);
        gradients.forEach(
                (name, gradient) -> assertClose("grad." + name, gradient, golden.tensor("grad." + name), tolerance));
    }

    @Test
    void lossAndGradientsOfThePlainPass() {
        try (Scope _ = new Scope()) {
            assertGolden(gradients(false, DType.FLOAT32), GRADIENT);
        }
    }

    @Test
    void lossAndGradientsOfTheCheckpointedPass() {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> checkpointed = gradients(true, DType.FLOAT32);
            assertGolden(checkpointed, GRADIENT);
            Map<String, Tensor> plain = gradients(false, DType.FLOAT32);
            plain.forEach((name, gradient) -> {
                Tensor other = checkpointed.get(name);
                if (other == null) {
                    throw new AssertionError("no gradient of " + name);
                }
                assertClose(name, other, gradient, PLAIN_TO_CHECKPOINTED);
            });
        }
    }

    /// A Template in float32 on a transformer in bfloat16: the gradients arrive in the Template's dtype.
    @Test
    void aFloat32CacheLearnsFromABfloat16Transformer() {
        try (Scope _ = new Scope()) {
            for (boolean checkpointed : new boolean[] {false, true}) {
                Map<String, Tensor> gradients = gradients(checkpointed, DType.BFLOAT16);
                assertThat(gradients.values()).allMatch(gradient -> DType.of(gradient) == DType.FLOAT32);
                assertGolden(gradients, BFLOAT16);
            }
        }
    }
}
