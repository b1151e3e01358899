package io.stencil.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.gguf.BlockType;
import io.stencil.gguf.GgufFile;
import io.stencil.gguf.GgufWriter;
import io.stencil.nn.LayerUpdate.Axis;
import io.stencil.nn.LayerUpdate.Dora;
import io.stencil.nn.LayerUpdate.Kronecker;
import io.stencil.nn.LayerUpdate.Whole;
import io.stencil.safetensors.SafetensorsDtype;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.safetensors.TensorSource;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.TensorAssert;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Updates of all kinds give the output of a weight to which their changes are added.
class LayerUpdateTest {

    private static final int IN = 96; // three blocks of a GGUF file
    private static final int OUT = 8;

    /// Where the weight rests.
    enum Rest {
        FLOAT32,
        BFLOAT16,
        FLOAT8,
        FLOAT8_OF_FILE,
        GGUF,
        GGUF_OFFLOADED,
        OFFLOADED
    }

    enum Kind {
        PAIR,
        KRONECKER,
        WHOLE,
        DORA_OF_ROWS,
        DORA_OF_COLUMNS,
        DORA_OF_KRONECKER
    }

    private static final class Net extends Module {
        private final Linear linear = module("linear", new Linear(IN, OUT, true));
    }

    private final Scope scope = new Scope();
    private final TorchGenerator generator = new TorchGenerator(3);
    private final Net net = new Net();

    @TempDir
    private Path folder;

    private Path file;

    @BeforeEach
    void write() throws IOException {
        file = folder.resolve("net.safetensors");
        TensorFiles.write(file, Map.of("linear.weight", random(OUT, IN), "linear.bias", random(OUT)), Map.of());
    }

    @AfterEach
    void free() {
        net.close();
        generator.close();
        scope.close();
    }

    private Tensor random(long... shape) {
        return generator.randn(DType.FLOAT32, shape);
    }

    private void load(Rest rest) throws IOException {
        TensorSource source = switch (rest) {
            case FLOAT8_OF_FILE -> SafetensorsFile.open(scaledFloat8());
            case GGUF, GGUF_OFFLOADED -> GgufFile.open(blocks());
            default -> SafetensorsFile.open(file);
        };
        switch (rest) {
            case FLOAT32, FLOAT8_OF_FILE, GGUF -> new WeightLoader(DType.FLOAT32, Device.CPU).load(net, source);
            case BFLOAT16 -> new WeightLoader(DType.BFLOAT16, Device.CPU).load(net, source);
            case FLOAT8 -> new WeightLoader(DType.FLOAT32, Device.CPU, true).load(net, source);
            case OFFLOADED, GGUF_OFFLOADED ->
                new WeightLoader(DType.FLOAT32, Device.CPU).open(net, source, Set.of(), true);
        }
    }

    /// The weight in float8, with a scale for each row.
    private Path scaledFloat8() throws IOException {
        Path scaled = folder.resolve("float8.safetensors");
        TensorFiles.write(
                scaled,
                Map.of(
                        "linear.weight",
                        DType.FLOAT8_E4M3FN.cast(random(OUT, IN)),
                        "linear.weight_scale",
                        random(OUT, 1).abs(),
                        "linear.bias",
                        random(OUT)),
                Map.of());
        return scaled;
    }

    /// The weight in blocks of Q8_0.
    private Path blocks() throws IOException {
        float[] weight = Tensors.toFloats(random(OUT, IN));
        MemorySegment quantized = MemorySegment.ofArray(new byte[OUT * IN / 32 * 34]);
        BlockType.Q8_0.narrow(MemorySegment.ofArray(weight), quantized);
        byte[] bias = new byte[OUT * Float.BYTES];
        ByteBuffer.wrap(bias).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(Tensors.toFloats(random(OUT)));
        Path written = folder.resolve("net.gguf");
        GgufWriter.write(
                written,
                List.of(
                        new GgufWriter.Tensor("linear.weight", BlockType.Q8_0, List.of((long) OUT, (long) IN)),
                        new GgufWriter.Tensor("linear.bias", SafetensorsDtype.F32, List.of((long) OUT))),
                (tensor, sink) -> sink.accept(tensor.name().endsWith("bias") ? MemorySegment.ofArray(bias) : quantized),
                Map.of());
        return written;
    }

    private LayerUpdate update(Kind kind, double strength) {
        return switch (kind) {
            case PAIR -> new LoraPair(random(2, IN), random(OUT, 2));
            case KRONECKER ->
                // four of the six rows, which begin within a block
                Kronecker.of(random(4, 2), List.of(random(3, 2), random(2, 48))).rows(2, OUT);
            case WHOLE -> new Whole(random(OUT, IN));
            case DORA_OF_ROWS -> dora(new LoraPair(random(2, IN), random(OUT, 2)), Axis.OUTPUT, strength);
            case DORA_OF_COLUMNS -> dora(new LoraPair(random(2, IN), random(OUT, 2)), Axis.INPUT, strength);
            case DORA_OF_KRONECKER -> dora(Kronecker.of(random(2, 3), List.of(random(4, 32))), Axis.OUTPUT, strength);
        };
    }

    private Dora dora(LayerUpdate.Additive change, Axis axis, double strength) {
        Tensor norm = Dora.squaredNorms(net.linear.weight(), change, axis).sqrt();
        return Dora.of(change, random(axis == Axis.OUTPUT ? OUT : IN), norm, axis, strength);
    }

    static List<Arguments> cases() {
        List<Arguments> all = new ArrayList<>();
        for (Rest rest : Rest.values()) {
            for (Kind kind : Kind.values()) {
                all.add(Arguments.of(rest, List.of(kind)));
            }
            all.add(Arguments.of(rest, Arrays.asList(Kind.values())));
        }
        return all;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theOutputIsThatOfAChangedWeight(Rest rest, List<Kind> kinds) throws IOException {
        load(rest);
        List<LayerUpdate> updates =
                kinds.stream().map(kind -> update(kind, 0.75)).toList();
        Tensor x = random(2, 3, IN);
        float[] before = Tensors.toFloats(net.linear.forward(x));
        Tensor weight = net.linear.weight().in(DType.FLOAT32);
        Tensor sum = weight;
        for (LayerUpdate update : updates) {
            sum = sum.add(update.change(weight));
        }
        Tensor bias = DType.FLOAT32.cast(
                Objects.requireNonNull(net.state().get("linear.bias")).get());
        net.evict();

        try (LoraBinding _ = LoraBinding.bind(net, Lora.of(Map.of("linear", updates)))) {
            TensorAssert.assertClose(
                    "y", net.linear.forward(x), x.matmul(sum.t()).add(bias), 1e-5);
        }

        assertThat(Tensors.toFloats(net.linear.forward(x))).isEqualTo(before);
        if (rest == Rest.OFFLOADED || rest == Rest.GGUF_OFFLOADED) {
            assertThat(net.linear.weight().isInMemory()).isFalse();
        }
    }

    /// The definition, on the whole weight.
    @ParameterizedTest
    @MethodSource
    void aDoraGivesRowsOrColumnsTheirMagnitude(Axis axis) throws IOException {
        load(Rest.FLOAT32);
        LoraPair pair = new LoraPair(random(2, IN), random(OUT, 2));
        Tensor magnitude = random(axis == Axis.OUTPUT ? OUT : IN);
        Tensor norm = Dora.squaredNorms(net.linear.weight(), pair, axis).sqrt();
        Tensor weight = net.linear.weight().get();
        Tensor changed = weight.add(pair.b().matmul(pair.a()));
        float[] rows = Tensors.toFloats(axis == Axis.OUTPUT ? changed : changed.t());
        int length = rows.length / (int) magnitude.numel();
        float[] m = Tensors.toFloats(magnitude);
        for (int i = 0; i < rows.length; i += length) {
            double squares = 0;
            for (int j = i; j < i + length; j++) {
                squares += (double) rows[j] * rows[j];
            }
            for (int j = i; j < i + length; j++) {
                rows[j] *= (float) (m[i / length] / Math.sqrt(squares));
            }
        }
        Tensor expected = axis == Axis.OUTPUT
                ? Tensors.of(rows, OUT, IN)
                : Tensors.of(rows, IN, OUT).t();

        Dora dora = Dora.of(pair, magnitude, norm, axis, 1);

        TensorAssert.assertClose("W'", weight.add(dora.change(weight)), expected.contiguous(), 1e-5);
    }

    static List<Axis> aDoraGivesRowsOrColumnsTheirMagnitude() {
        return List.of(Axis.values());
    }

    /// As a row of zeros has no direction, its magnitude is of nothing.
    @Test
    void aRowOfZerosStaysZero() {
        Dora dora = Dora.of(
                new Whole(random(2, 2)),
                Tensors.of(new float[] {3, 3}, 2),
                Tensors.of(new float[] {0, 2}, 2),
                Axis.OUTPUT,
                1);
        assertThat(Tensors.toFloats(dora.factor())).containsExactly(0, 1.5f);
        assertThat(Tensors.toFloats(dora.base())).containsExactly(-1, 0.5f);
    }

    @Test
    void fusedWeightsGiveTheOutputOfBoundUpdates() throws IOException {
        load(Rest.FLOAT32);
        Lora lora = Lora.of(Map.of(
                "linear",
                Arrays.stream(Kind.values()).map(kind -> update(kind, 0.5)).toList()));
        assertThat(lora.dependsOnWeights()).isTrue();
        Tensor x = random(5, IN);
        Tensor bound;
        try (LoraBinding _ = LoraBinding.bind(net, lora)) {
            bound = net.linear.forward(x);
        }
        lora.fuse(net, 1);
        TensorAssert.assertClose("y", net.linear.forward(x), bound, 1e-5);
    }

    @Test
    void updatesThatDoNotFitAreRefused() throws IOException {
        load(Rest.FLOAT32);
        for (LayerUpdate wrong : List.of(
                Kronecker.of(random(4, 3), List.of(random(3, 2))),
                new Whole(random(IN, OUT)),
                new Dora(new LoraPair(random(2, IN), random(OUT, 2)), random(IN), random(IN), Axis.OUTPUT))) {
            Lora lora = Lora.of(Map.of("linear", List.of(wrong)));
            assertThatThrownBy(() -> LoraBinding.bind(net, lora))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageStartingWith("'lora': 'linear' is a layer of [8, 96], and ");
        }
    }
}
