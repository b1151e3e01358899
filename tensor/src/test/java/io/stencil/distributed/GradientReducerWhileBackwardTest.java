package io.stencil.distributed;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.autograd.GradMode;
import io.stencil.autograd.GradientTape;
import io.stencil.nn.Linear;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Buckets that leave while a backward pass runs, one parameter in each.
class GradientReducerWhileBackwardTest {

    private static final int FIRST_SIZE = 12; // of 3 to 4, without bias
    private static final int SECOND_SIZE = 20; // of 4 to 5
    private static final List<String> AFTER_THE_PASS = List.of("pass ended", "20", "12", "numbers");
    private static final List<String> WITHIN_THE_PASS = List.of("20", "pass ended", "12", "numbers");

    private final RecordingGroup group = new RecordingGroup();
    private final Linear first = new Linear(3, 4, false);
    private final Linear second = new Linear(4, 5, false);
    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private GradientReducer average;

    @BeforeEach
    void begin() {
        try (TorchGenerator generator = new TorchGenerator(1)) {
            for (Linear linear : List.of(first, second)) {
                linear.initialize(DType.FLOAT32, Device.CPU, generator);
                linear.weight().get().requires_grad_(true);
            }
        }
        parameters.put("first", first.weight());
        parameters.put("second", second.weight());
        average = new GradientReducer(group, parameters, 1);
    }

    @AfterEach
    void end() {
        average.close();
        first.close();
        second.close();
    }

    /// @return gradients of both weights, before their mean was taken
    private List<float[]> update(boolean withFirst, int passes) {
        parameters.values().forEach(Parameter::clearGradient);
        group.calls.clear();
        average.beforeLastPasses();
        for (int i = 0; i < passes; i++) {
            backward(withFirst);
        }
        group.calls.add("pass ended");
        List<float[]> own = gradients();
        average.afterLastPasses();
        average.forUpdate(true);
        return own;
    }

    private void backward(boolean withFirst) {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.enabled();
                GradientTape tape = new GradientTape()) {
            Tensor x = Tensors.full(0.5, DType.FLOAT32, Device.CPU, 2, 3);
            Tensor hidden = first.forward(x);
            Tensor out = tape.run(
                            in -> List.of(second.forward(in.getFirst())), List.of(withFirst ? hidden : hidden.detach()))
                    .getFirst();
            tape.backward(out.square().sum());
        }
    }

    private List<float[]> gradients() {
        try (Scope _ = new Scope()) {
            return parameters.values().stream()
                    .map(Parameter::gradient)
                    .map(gradient -> gradient == null ? new float[0] : Tensors.toFloats(gradient))
                    .toList();
        }
    }

    @Test
    void whatIsWholeLeavesWhileThePassGoesOn() {
        update(true, 1);
        assertThat(group.calls).as("nothing is known yet").isEqualTo(AFTER_THE_PASS);

        List<float[]> own = update(true, 1);

        assertThat(group.calls).isEqualTo(WITHIN_THE_PASS);
        assertThat(gradients())
                .as("the mean of equal gradients")
                .usingRecursiveComparison()
                .isEqualTo(own);
    }

    @Test
    void whatLeftTooEarlyIsSentAgain() {
        update(true, 1);
        List<float[]> own = update(true, 2);

        assertThat(group.calls).containsExactly("20", "12", "pass ended", "numbers", "20", "12");
        assertThat(gradients()).usingRecursiveComparison().isEqualTo(own);

        own = update(true, 2);
        assertThat(group.calls).as("both are waited for from then on").isEqualTo(WITHIN_THE_PASS);
        assertThat(gradients()).usingRecursiveComparison().isEqualTo(own);
    }

    @Test
    void whatTheOtherProcessSentTooEarlyIsSentAgainHere() {
        group.others = Map.of(2, 1.0); // after both parameters comes the bucket of the second

        List<float[]> own = update(true, 1);

        assertThat(group.calls).containsExactly("pass ended", "20", "12", "numbers", "20");
        assertThat(gradients()).usingRecursiveComparison().isEqualTo(own);
    }

    @Test
    void whatOnlyTheOtherUsedGetsItsMean() {
        group.others = Map.of(0, 1.0);

        update(false, 1);

        assertThat(gradients().getFirst()).hasSize(FIRST_SIZE).containsOnly(0);
        assertThat(gradients().getLast()).hasSize(SECOND_SIZE);
    }

    @Test
    void whatNobodyUsedStaysWithoutAGradient() {
        update(false, 1);

        assertThat(Objects.requireNonNull(parameters.get("first")).gradient()).isNull();
    }

    @Test
    void gradientsBeforeTheLastPassesStay() {
        average.withinUpdate();
        backward(true);
        backward(true);
        assertThat(group.calls).as("no pass was the last").containsExactly("20", "12", "numbers");
    }
}
