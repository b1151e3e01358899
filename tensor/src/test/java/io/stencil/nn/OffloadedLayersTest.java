package io.stencil.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.autograd.GradMode;
import io.stencil.autograd.GradientTape;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.TensorAssert;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Every kind of layer with weights that are let go of, against the same layer with weights in memory.
class OffloadedLayersTest {

    static final class Net extends Module {
        private final Function<Tensor, Tensor> layer;

        private <M extends Module> Net(M made, Function<M, Function<Tensor, Tensor>> forward) {
            layer = forward.apply(module("layer", made));
        }

        /// @param x [2, 8, 7, 9]
        Tensor forward(Tensor x) {
            return layer.apply(x);
        }
    }

    enum Kind {
        LINEAR,
        CONVOLUTION,
        HALVING,
        WIDE_HALVING,
        GROUP_NORM,
        RMS_NORM;

        Net net() {
            return switch (this) {
                case LINEAR -> new Net(new Linear(9, 4, true), layer -> layer::forward);
                case CONVOLUTION -> new Net(new Conv2d(8, 4, 3), layer -> layer::forward);
                case HALVING -> new Net(new Conv2d(8, 4, 3, 2, 0), layer -> layer::forward);
                case WIDE_HALVING -> new Net(new Conv2d(8, 4, 4, 2, 1), layer -> layer::forward);
                case GROUP_NORM -> new Net(new GroupNorm(2, 8, 1e-6), layer -> layer::forward);
                case RMS_NORM -> new Net(new RmsNorm(9, 1e-6), layer -> layer::forward);
            };
        }
    }

    @TempDir
    private Path folder;

    private final Scope scope = new Scope();
    private final TorchGenerator generator = new TorchGenerator(4);

    @AfterEach
    void free() {
        generator.close();
        scope.close();
    }

    private Path write(Kind kind) {
        Path file = folder.resolve("net.safetensors");
        try (Net random = kind.net()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            random.shapes().forEach((name, shape) -> tensors.put(name, generator.randn(DType.BFLOAT16, shape)));
            TensorFiles.write(file, tensors, Map.of());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return file;
    }

    private static Net open(Kind kind, Path file, DType dtype, boolean offloaded) {
        Net net = kind.net();
        new WeightLoader(dtype, Device.CPU).open(net, SafetensorsFile.open(file), Set.of(), offloaded);
        return net;
    }

    private static void assertNothingIsInMemory(Module net) {
        assertThat(net.state())
                .allSatisfy((_, one) -> assertThat(one.isInMemory()).isFalse());
    }

    private Tensor input() {
        Tensor x = generator.randn(DType.FLOAT32, 2, 8, 7, 9);
        x.requires_grad_(true);
        return x;
    }

    /// In bfloat16 the weights are views of the file, which are cast for the layer; in float32 they are copies.
    private void assertSameAsInMemory(Kind kind, DType dtype) {
        Path file = write(kind);
        Tensor mine = input();
        Tensor theirs = mine.detach().clone();
        theirs.requires_grad_(true);
        try (Net offloaded = open(kind, file, dtype, true);
                Net resident = open(kind, file, dtype, false);
                GradientTape tape = new GradientTape()) {
            Tensor y = offloaded.forward(mine.tanh()); // which is there when the layer runs again
            assertNothingIsInMemory(offloaded);
            tape.backward(y.square().sum());
            assertNothingIsInMemory(offloaded);

            Tensor expected = resident.forward(theirs.tanh());
            expected.square().sum().backward();
            TensorAssert.assertClose("y", y, expected, 1e-6);
            TensorAssert.assertClose("gradient", mine.grad(), theirs.grad(), 1e-5);
        }
    }

    @ParameterizedTest
    @EnumSource
    void copiesAreLetGoOfForwardAndBackward(Kind kind) {
        assertSameAsInMemory(kind, DType.FLOAT32);
    }

    @ParameterizedTest
    @EnumSource
    void viewsAreLetGoOfForwardAndBackward(Kind kind) {
        assertSameAsInMemory(kind, DType.BFLOAT16);
    }

    @ParameterizedTest
    @EnumSource
    void nothingStaysOfAPassWithoutGradients(Kind kind) {
        Path file = write(kind);
        try (Net offloaded = open(kind, file, DType.FLOAT32, true);
                Net resident = open(kind, file, DType.FLOAT32, false);
                GradMode _ = GradMode.disabled()) {
            Tensor x = input();
            TensorAssert.assertClose("y", offloaded.forward(x), resident.forward(x), 1e-6);
            assertNothingIsInMemory(offloaded);
        }
    }

    /// Without a tape autograd keeps what it needs; the layer lets go of its own all the same.
    @ParameterizedTest
    @EnumSource
    void gradientsFlowWithoutATape(Kind kind) {
        Path file = write(kind);
        try (Net offloaded = open(kind, file, DType.BFLOAT16, true);
                Net resident = open(kind, file, DType.BFLOAT16, false)) {
            Tensor mine = input();
            Tensor theirs = mine.detach().clone();
            theirs.requires_grad_(true);
            offloaded.forward(mine).square().sum().backward();
            resident.forward(theirs).square().sum().backward();
            TensorAssert.assertClose("gradient", mine.grad(), theirs.grad(), 1e-5);
            assertNothingIsInMemory(offloaded);
        }
    }

    /// A bias that is trained beside a weight that is not, and the other way about.
    @ParameterizedTest
    @EnumSource(names = {"LINEAR", "CONVOLUTION", "GROUP_NORM"})
    void aPartThatIsTrainedGetsItsGradient(Kind kind) {
        Path file = write(kind);
        for (String part : new String[] {"layer.bias", "layer.weight"}) {
            try (Net offloaded = open(kind, file, DType.FLOAT32, true);
                    Net resident = open(kind, file, DType.FLOAT32, false);
                    GradientTape tape = new GradientTape()) {
                Tensor x = input();
                offloaded.trainOnly(Set.of(part));
                resident.trainOnly(Set.of(part));
                tape.backward(offloaded.forward(x).square().sum());
                resident.forward(x).square().sum().backward();
                TensorAssert.assertClose(part, gradient(offloaded, part), gradient(resident, part), 1e-5);
            }
        }
    }

    private static Tensor gradient(Net net, String part) {
        Parameter parameter = Objects.requireNonNull(net.state().get(part));
        return Objects.requireNonNull(parameter.gradient());
    }
}
