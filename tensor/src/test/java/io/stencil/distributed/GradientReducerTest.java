package io.stencil.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.nn.Linear;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(600)
class GradientReducerTest {

    private static final long ONE_PARAMETER_A_BUCKET = 1;

    private static <T> List<CompletableFuture<T>> run(BiFunction<ProcessGroup, Map<String, Parameter>, T> work)
            throws IOException {
        return Threads.run(Threads.environments(2), environment -> {
            try (ProcessGroup group = ProcessGroup.join(environment, Device.CPU);
                    Linear linear = new Linear(2, 1, true);
                    TorchGenerator generator = new TorchGenerator(environment.rank());
                    Scope _ = new Scope()) {
                linear.initialize(DType.FLOAT32, Device.CPU, generator);
                linear.state().values().forEach(one -> one.get().requires_grad_(true));
                T result = work.apply(group, linear.state());
                group.agree(0);
                return result;
            }
        });
    }

    private static float[] gradient(Map<String, Parameter> state, String name) {
        return Tensors.toFloats(
                Objects.requireNonNull(Objects.requireNonNull(state.get(name)).gradient()));
    }

    private static void give(Map<String, Parameter> state, String name, float... values) {
        Parameter parameter = Objects.requireNonNull(state.get(name));
        parameter.setGradient(Tensors.of(values, parameter.shape()));
    }

    @Test
    void theMeanReplacesTheGradientsAndIsItsOwnMean() throws IOException {
        for (long bucket : new long[] {ONE_PARAMETER_A_BUCKET, 1 << 20}) {
            List<CompletableFuture<float[]>> results = run((group, state) -> {
                give(state, "weight", group.rank(), 4);
                give(state, "bias", 3 * group.rank());
                try (GradientReducer average = new GradientReducer(group, state, bucket)) {
                    average.withinUpdate();
                    average.forUpdate(false);
                }
                float[] weight = gradient(state, "weight");
                return new float[] {weight[0], weight[1], gradient(state, "bias")[0]};
            });
            assertThat(results).allSatisfy(one -> assertThat(one.join()).containsExactly(0.5f, 4f, 1.5f));
        }
    }

    @Test
    void whatOneRankDoesNotUseCountsAsZeroThere() throws IOException {
        List<CompletableFuture<Float>> results = run((group, state) -> {
            if (group.rank() == 1) {
                give(state, "bias", 8);
            }
            try (GradientReducer average = new GradientReducer(group, state)) {
                average.forUpdate(true);
            }
            assertThat(Objects.requireNonNull(state.get("weight")).gradient()).isNull();
            return gradient(state, "bias")[0];
        });
        assertThat(results).allSatisfy(one -> assertThat(one.join()).isEqualTo(4f));
    }

    @Test
    void whatARankDoesNotUseIsRefusedByName() throws IOException {
        List<CompletableFuture<Integer>> results = run((group, state) -> {
            give(state, "weight", 1, 1);
            try (GradientReducer average = new GradientReducer(group, state)) {
                average.forUpdate(false);
            }
            return 0;
        });
        assertThatThrownBy(results.getLast()::join)
                .cause()
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'find_unused_parameters': 'bias' got no gradient on rank 1");
    }

    @Test
    void allBeginWithTheWeightsOfTheFirst() throws IOException {
        List<CompletableFuture<float[]>> results = run((group, state) -> {
            GradientReducer.replicate(group, state);
            return Tensors.toFloats(Objects.requireNonNull(state.get("weight")).get());
        });
        assertThat(results.getLast().join()).isEqualTo(results.getFirst().join());
    }
}
