package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.transformer.BlockId;
import io.stencil.flux2.transformer.KeyValue;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.nn.Lora;
import io.stencil.nn.LoraPair;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.ShortPrompts;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// NaN and infinity are refused where they arise, with the model and the weight that bring them.
class FiniteValuesTest {

    private final Scope scope = new Scope();
    private final Flux2Pipeline pipeline =
            Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), new LoadOptions(DType.FLOAT32, Device.CPU));
    private final List<Integer> steps = new ArrayList<>();

    @AfterEach
    void free() {
        pipeline.close();
        scope.close();
    }

    /// Puts NaN into the last element of a weight.
    private static void spoil(Module model, String weight) {
        Parameter parameter = Objects.requireNonNull(model.state().get(weight));
        float[] values = Tensors.toFloats(parameter.get());
        values[values.length - 1] = Float.NaN;
        parameter.set(Tensors.of(values, parameter.shape()));
    }

    private static SideConditions side(KvCache cache, Lora lora) {
        return new SideConditions("a leaf", cache, lora, null);
    }

    private void refused(SideConditions positive, String message) {
        GenerationRequest request = GenerationRequest.of("")
                .positive(positive)
                .size(32, 32)
                .steps(3)
                .build();
        assertThatThrownBy(() -> pipeline.generate(request, (done, _) -> steps.add(done)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(message);
    }

    @Test
    void aBrokenTransformerIsNamedInTheFirstStep() {
        spoil(pipeline.models().requireTransformer(), "transformer_blocks.0.attn.to_out.0.weight");

        refused(
                SideConditions.of("a leaf"),
                "'transformer': gives values that are not finite (NaN or infinity) in step 1 of 3: its weight "
                        + "'transformer_blocks.0.attn.to_out.0.weight' holds such values, so the checkpoint is damaged; "
                        + "fetch or convert it again");
        assertThat(steps).isEmpty();
    }

    @Test
    void aBrokenTextEncoderIsNamedBeforeTheFirstStep() {
        spoil(Objects.requireNonNull(pipeline.models().textEncoder()).encoder(), "model.layers.0.mlp.down_proj.weight");

        refused(
                SideConditions.of("a leaf"),
                "'text_encoder': gives values that are not finite (NaN or infinity) while encoding the prompt: its "
                        + "weight 'model.layers.0.mlp.down_proj.weight' holds such values, so the checkpoint is damaged; "
                        + "fetch or convert it again");
        assertThat(steps).isEmpty();
    }

    @Test
    void aBrokenVaeIsNamed() {
        spoil(pipeline.models().requireVae(), "decoder.conv_out.weight");

        refused(
                SideConditions.of("a leaf"),
                "'vae': gives values that are not finite (NaN or infinity) while decoding the latents: its weight "
                        + "'decoder.conv_out.weight' holds such values, so the checkpoint is damaged; fetch or convert "
                        + "it again");
    }

    @Test
    void brokenKeysAndValuesAreNamed() {
        TransformerConfig config = pipeline.models().requireTransformer().config();
        Tensor broken = Tensors.full(
                Double.NaN, DType.FLOAT32, Device.CPU, 1, 2, config.numAttentionHeads(), config.attentionHeadDim());
        KvCache cache = new KvCache(Map.of(new BlockId.SingleStream(0), new KeyValue(broken, broken)));

        refused(
                side(cache, Lora.empty()),
                "'kv_cache.single_0': holds values that are not finite (NaN or infinity): a Template gave them; check "
                        + "its inputs and the weights of its model");
        assertThat(steps).isEmpty();
    }

    @Test
    void finiteValuesThatOverflowAreToldWithARemedy() {
        String layer = "transformer_blocks.0.attn.to_q";
        long[] weight = Objects.requireNonNull(
                pipeline.models().requireTransformer().shapes().get(layer + ".weight"));
        LoraPair huge = new LoraPair(
                Tensors.full(1e30, DType.FLOAT32, Device.CPU, 1, weight[1]),
                Tensors.full(1e30, DType.FLOAT32, Device.CPU, weight[0], 1));

        refused(
                side(KvCache.empty(), new Lora(Map.of(layer, huge))),
                "'transformer': gives values that are not finite (NaN or infinity) in step 1 of 3: its weights are "
                        + "finite; lower cfg_scale (1.0), the strength of a LoRA or the inputs of a Template, or try "
                        + "--dtype float32");
    }
}
