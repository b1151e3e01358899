package io.stencil.flux2.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.nn.Parameter;
import io.stencil.nn.WeightLoader;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.TensorAssert;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Qwen3EncoderTest {

    private static final Qwen3Config SMALL = new Qwen3Config(32, 48, 4, 4, 2, 8, 50, 1e-6, 10000);

    @Test
    void theHeadOfALanguageModelIsDroppedOnLoad(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("model.safetensors");
        try (Scope _ = new Scope();
                Qwen3Encoder source = small();
                Qwen3Encoder loaded = new Qwen3Encoder(SMALL);
                Qwen3Encoder strict = new Qwen3Encoder(SMALL)) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            source.state().forEach((name, parameter) -> tensors.put(name, parameter.get()));
            tensors.put("lm_head.weight", Tensors.zeros(DType.FLOAT32, Device.CPU, 50, 32));
            TensorFiles.write(file, tensors, Map.of());

            WeightLoader loader = new WeightLoader(DType.FLOAT32, Device.CPU);
            loader.load(loaded, SafetensorsFile.open(file), Qwen3Encoder.IGNORED_TENSORS);
            TensorAssert.assertClose("hidden state", one(loaded, 4), one(source, 4), 1e-6);
            assertThatThrownBy(() -> loader.load(strict, SafetensorsFile.open(file), Set.of()))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessageContaining("1 unexpected (lm_head.weight)");
        }
    }

    @Test
    void hiddenStatesComeInTheOrderAskedFor() {
        try (Scope _ = new Scope();
                Qwen3Encoder encoder = small()) {
            List<Tensor> states = encoder.forward(
                    ids(3, 7, 9), Tensors.of(new long[] {1, 1, 1}, 1, 3), List.of(4, 0, 2), DType.FLOAT32);
            Tensor table = parameter(encoder, "model.embed_tokens.weight").get();
            TensorAssert.assertSame("embedding", states.get(1).narrow(1, 1, 1).view(1, 32), table.narrow(0, 7, 1));
            TensorAssert.assertSame("layer 4", states.get(0), one(encoder, 4));
            TensorAssert.assertSame("layer 2", states.get(2), one(encoder, 2));
        }
    }

    @Test
    void layersBehindTheLastHiddenStateDoNotRun() {
        try (Scope _ = new Scope();
                Qwen3Encoder encoder = small()) {
            Tensor before = one(encoder, 2);
            fillWithNaN(parameter(encoder, "model.layers.2.mlp.down_proj.weight"));
            TensorAssert.assertSame("layer 2", one(encoder, 2), before);
            assertThat(Tensors.toFloats(one(encoder, 3))).contains(Float.NaN);
        }
    }

    @Test
    void aTokenDoesNotSeeWhatComesLaterNorPadding() {
        try (Scope _ = new Scope();
                Qwen3Encoder encoder = small()) {
            Tensor first = masked(encoder, ids(3, 7, 9), 1, 1, 1);
            TensorAssert.assertClose(
                    "causal", masked(encoder, ids(3, 7, 21), 1, 1, 1).narrow(1, 0, 2), first.narrow(1, 0, 2), 1e-6);
            Tensor padded = masked(encoder, ids(3, 7, 9), 1, 0, 1);
            TensorAssert.assertClose(
                    "padding", masked(encoder, ids(3, 33, 9), 1, 0, 1).narrow(1, 2, 1), padded.narrow(1, 2, 1), 1e-6);
            assertThatThrownBy(() -> TensorAssert.assertClose("differs", padded, first, 1e-3))
                    .isInstanceOf(AssertionError.class);
        }
    }

    @Test
    void paddingOnTheLeftGivesNoNaN() {
        try (Scope _ = new Scope();
                Qwen3Encoder encoder = small()) {
            assertThat(Tensors.toFloats(masked(encoder, ids(3, 7, 9), 0, 0, 1))).doesNotContain(Float.NaN);
        }
    }

    @Test
    void aHiddenStateThatIsNotThereIsAnError() {
        try (Scope _ = new Scope();
                Qwen3Encoder encoder = small()) {
            assertThatThrownBy(() -> one(encoder, 5))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("there are 0 to 4");
        }
    }

    private static Qwen3Encoder small() {
        Qwen3Encoder encoder = new Qwen3Encoder(SMALL);
        try (TorchGenerator generator = new TorchGenerator(1)) {
            encoder.initialize(DType.FLOAT32, Device.CPU, generator);
        }
        return encoder;
    }

    private static Tensor one(Qwen3Encoder encoder, int state) {
        return encoder.forward(ids(3, 7, 9), Tensors.of(new long[] {1, 1, 1}, 1, 3), List.of(state), DType.FLOAT32)
                .getFirst();
    }

    private static Tensor masked(Qwen3Encoder encoder, Tensor ids, long... mask) {
        return encoder.forward(ids, Tensors.of(mask, 1, mask.length), List.of(4), DType.FLOAT32)
                .getFirst();
    }

    private static Tensor ids(long... ids) {
        return Tensors.of(ids, 1, ids.length);
    }

    private static Parameter parameter(Qwen3Encoder encoder, String name) {
        return Objects.requireNonNull(encoder.state().get(name));
    }

    private static void fillWithNaN(Parameter parameter) {
        parameter.set(Tensors.full(Double.NaN, DType.FLOAT32, Device.CPU, parameter.shape()));
    }
}
