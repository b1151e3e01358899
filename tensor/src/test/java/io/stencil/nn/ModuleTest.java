package io.stencil.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.nn.Module.OpenPass;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class ModuleTest {

    /// Two blocks, one of them under a name with a dot, a counter, and a layer without a name of its own.
    private static final class Net extends Module {
        Net() {
            module("block", new Linear(2, 3, true));
            module("blocks.0", new Linear(3, 3, false));
            module("", new RmsNorm(3, 1e-6));
            buffer("count", Initializer.ZEROS, DType.INT64);
            buffer("mean", Initializer.ONES, DType.FLOAT32, 3);
        }
    }

    private static final class Duplicates extends Module {
        Duplicates(boolean modules) {
            if (modules) {
                module("same", new RmsNorm(1, 0));
                module("same", new RmsNorm(1, 0));
            } else {
                parameter("same", Initializer.ONES, 1);
                buffer("same", Initializer.ONES, DType.FLOAT32, 1);
            }
        }
    }

    /// `a` with `b.weight` inside, and `a.b` with `weight` inside.
    private static final class Colliding extends Module {
        Colliding() {
            module("a", new Outer());
            module("a.b", new RmsNorm(1, 0));
        }

        private static final class Outer extends Module {
            Outer() {
                module("b", new RmsNorm(1, 0));
            }
        }
    }

    private static Set<String> trainable(Module module) {
        return module.state().entrySet().stream()
                .filter(one -> one.getValue().isTrainable())
                .map(Map.Entry::getKey)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Net initialized(TorchGenerator generator) {
        Net net = new Net();
        net.initialize(DType.FLOAT32, Device.CPU, generator);
        return net;
    }

    @Test
    void namesAreJoinedWithDots() {
        try (Scope _ = new Scope();
                Net net = new Net()) {
            assertThat(net.state().keySet())
                    .containsExactly("count", "mean", "block.weight", "block.bias", "blocks.0.weight", "weight");
            assertThat(net.modules().keySet()).containsExactly("", "block", "blocks.0");
            assertThat(net.modules().get("")).isSameAs(net);
            assertThat(net.shapes().get("block.weight")).containsExactly(3, 2);
            assertThat(net.shapes().get("count")).isEmpty();
            assertThat(net.parameterCount()).isEqualTo(6 + 3 + 9 + 3);
        }
    }

    @Test
    void constructionTakesNoMemory() {
        try (Scope _ = new Scope();
                Linear huge = new Linear(1L << 20, 1L << 20, false)) {
            assertThat(Device.of(huge.weight().get())).isEqualTo(Device.META);
            assertThat(huge.parameterCount()).isEqualTo(1L << 40);
        }
    }

    @Test
    void twoOfOneNameAreRefused() {
        assertThatThrownBy(() -> new Duplicates(true))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'name': two modules are named 'same'");
        assertThatThrownBy(() -> new Duplicates(false))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'name': two parameters are named 'same'");
        try (Scope _ = new Scope();
                Colliding colliding = new Colliding()) {
            assertThatThrownBy(colliding::state)
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'name': two parameters are named 'a.b.weight'");
        }
    }

    @Test
    void onlyTheNamedPartsAreTrained() {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(1);
                Net net = initialized(generator)) {
            assertThat(trainable(net)).isEmpty();
            assertThat(net.trainOnly(Set.of("block", "weight")))
                    .containsExactly("block.bias", "block.weight", "weight");
            assertThat(trainable(net)).containsExactly("block.bias", "block.weight", "weight");
            assertThat(net.trainOnly(Set.of("blocks"))).containsExactly("blocks.0.weight");
            assertThat(trainable(net)).containsExactly("blocks.0.weight");
            assertThat(net.trainOnly(Set.of("block.bias", "block"))).containsExactly("block.bias", "block.weight");
            assertThat(net.trainOnly(Set.of(""))).hasSize(4).doesNotContain("count", "mean");
            assertThat(net.trainOnly(Set.of())).isEmpty();
            assertThat(trainable(net)).isEmpty();
        }
    }

    @Test
    void aPartThatIsNotThereIsRefusedAndChangesNothing() {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(1);
                Net net = initialized(generator)) {
            net.trainOnly(Set.of("weight"));
            // "bloc" begins the name of a part that is trained, "count" is a buffer.
            for (String unknown : new String[] {"bloc", "block.", "block.weigh", "blocks.1", "count", "mean"}) {
                for (String known : new String[] {unknown, "", "block"}) {
                    Set<String> parts = new LinkedHashSet<>(List.of(known, unknown));
                    assertThatThrownBy(() -> net.trainOnly(parts))
                            .isInstanceOf(InvalidRequestException.class)
                            .hasMessage("'parts': no parameter lies in '" + unknown + "'");
                }
            }
            assertThat(trainable(net)).containsExactly("weight");
        }
    }

    @Test
    void initialContentFollowsTheSeedAndTheDtype() {
        try (Scope _ = new Scope();
                TorchGenerator one = new TorchGenerator(9);
                TorchGenerator two = new TorchGenerator(9);
                Net first = initialized(one);
                Net same = initialized(two);
                Net second = new Net()) {
            assertThat(Tensors.toFloats(value(same, "block.weight")))
                    .containsExactly(Tensors.toFloats(value(first, "block.weight")));
            second.initialize(DType.BFLOAT16, Device.CPU, two);
            assertThat(Tensors.toFloats(value(first, "weight"))).containsOnly(1);
            assertThat(Tensors.toLongs(value(first, "count"))).containsExactly(0);
            float bound = (float) (1 / Math.sqrt(2));
            for (float weight : Tensors.toFloats(value(first, "block.weight"))) {
                assertThat(weight).isBetween(-bound, bound).isNotZero();
            }
            assertThat(DType.of(value(second, "block.weight"))).isEqualTo(DType.BFLOAT16);
            assertThat(DType.of(value(second, "mean"))).isEqualTo(DType.BFLOAT16);
            assertThat(DType.of(value(second, "count"))).isEqualTo(DType.INT64);
        }
    }

    @Test
    void closingFreesEveryParameter() {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(1)) {
            Net net = initialized(generator);
            Parameter weight = Objects.requireNonNull(net.state().get("block.weight"));
            net.close();
            assertThatThrownBy(weight::get)
                    .isInstanceOf(InvalidStateException.class)
                    .hasMessage("the parameter was freed, as its module was closed; load the model again");
            net.close();
        }
    }

    @Test
    void closingWaitsForThePassOfAnotherThreadAndIsRefusedWithinOnesOwn() throws InterruptedException {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(1)) {
            Net net = initialized(generator);
            Thread closing = new Thread(net::close);
            try (OpenPass _ = net.openPass()) {
                assertThatThrownBy(net::close)
                        .isInstanceOf(InvalidStateException.class)
                        .hasMessageStartingWith("a model cannot be closed or changed within a pass that uses it");
                closing.start();
                while (closing.getState() != Thread.State.WAITING) {
                    Thread.onSpinWait();
                }
                assertThat(Tensors.toFloats(value(net, "weight"))).containsOnly(1);
            }
            closing.join();
            assertThatThrownBy(net::openPass)
                    .isInstanceOf(InvalidStateException.class)
                    .hasMessage("the model is closed; load it again");
        }
    }

    private static Tensor value(Module module, String name) {
        return Objects.requireNonNull(module.state().get(name), name).get();
    }
}
