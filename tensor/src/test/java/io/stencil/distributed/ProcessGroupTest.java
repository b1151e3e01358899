package io.stencil.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.ProcessGroupException;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(600)
class ProcessGroupTest {

    private static final Duration SHORT = Duration.ofSeconds(1);

    private static <T> List<CompletableFuture<T>> run(int size, Function<ProcessGroup, T> work) throws IOException {
        return Threads.run(Threads.environments(size), environment -> {
            try (ProcessGroup group = ProcessGroup.join(environment, Device.CPU);
                    Scope _ = new Scope()) {
                T result = work.apply(group);
                group.agree(0);
                return result;
            }
        });
    }

    @Test
    void ranksAddUpAndAgree() throws IOException {
        List<CompletableFuture<List<Float>>> results = run(3, group -> {
            Tensor sum = Tensors.of(new float[] {group.rank(), 1}, 2);
            Tensor later = Tensors.of(new float[] {10 * group.rank()}, 1);
            ProcessGroup.Pending pending = group.sumLater(later);
            group.sum(sum);
            pending.await();
            Tensor first = Tensors.of(new float[] {group.rank() + 5}, 1);
            group.broadcast(first);
            group.requireAlike("seed", "1");
            return List.of(
                    Tensors.toFloats(sum)[0],
                    Tensors.toFloats(sum)[1],
                    Tensors.toFloats(later)[0],
                    Tensors.toFloats(first)[0],
                    (float) group.sum(0.5, group.rank())[1],
                    (float) group.agree(group.rank() + 7),
                    group.any(group.rank() == 2) ? 1f : 0f,
                    group.any(false) ? 1f : 0f);
        });
        assertThat(results).allSatisfy(one -> assertThat(one.join()).containsExactly(3f, 3f, 30f, 5f, 3f, 7f, 1f, 0f));
    }

    @Test
    void whatDiffersIsRefusedEverywhere() throws IOException {
        List<CompletableFuture<Integer>> results = run(2, group -> {
            group.requireAlike("trainable_models", "rank " + group.rank());
            return 0;
        });
        assertThat(results)
                .allSatisfy(one -> assertThatThrownBy(one::join)
                        .cause()
                        .isInstanceOf(InvalidRequestException.class)
                        .hasMessage("'trainable_models': is not the same in all 2 processes; "
                                + "start all with the same options"));
    }

    @Test
    void aFailureIsToldToTheOthers() throws IOException {
        List<CompletableFuture<Integer>> results = run(2, group -> {
            if (group.rank() == 1) {
                group.fail(new IllegalStateException("no picture"));
                throw new IllegalStateException("no picture");
            }
            group.sum(1);
            return 0;
        });
        assertThatThrownBy(results.getFirst()::join)
                .cause()
                .isInstanceOf(ProcessGroupException.class)
                .hasMessage("rank 0 stops, because rank 1 failed (no picture); the last checkpoint stays: "
                        + "go on from it with --resume");
    }

    @Test
    void aRankThatLeavesWithoutAWordIsNamed() throws IOException {
        List<CompletableFuture<Integer>> results = Threads.run(Threads.environments(2), environment -> {
            try (ProcessGroup group = ProcessGroup.join(environment, Device.CPU)) {
                group.sum(1);
                return environment.rank() == 1 ? 0 : (int) group.sum(1)[0];
            }
        });
        assertThatThrownBy(results.getFirst()::join)
                .cause()
                .isInstanceOf(ProcessGroupException.class)
                .hasMessageContaining("rank 1 has died");
    }

    @Test
    void aRankThatDoesNotComeIsNamed() throws IOException {
        ProcessEnvironment first = Threads.environments(3).getFirst();
        assertThatThrownBy(() -> TorchProcessGroup.join(first, Device.CPU, SHORT))
                .isInstanceOf(ProcessGroupException.class)
                .hasMessageContaining("rank 1, 2 of 3 did not come within 1 s");
    }

    @Test
    void whereNobodyAnswersIsTold() throws IOException {
        ProcessEnvironment second = Threads.environments(2).getLast();
        assertThatThrownBy(() -> TorchProcessGroup.join(second, Device.CPU, SHORT))
                .isInstanceOf(ProcessGroupException.class)
                .hasMessageContaining("(MASTER_ADDR, MASTER_PORT): rank 0 does not answer");
    }

    @Test
    void oneProcessNeedsNoOther() {
        try (ProcessGroup group = ProcessGroup.join(ProcessEnvironment.ALONE, Device.CPU)) {
            assertThat(group.isFirst()).isTrue();
            assertThat(group.sum(2.5)).containsExactly(2.5);
            assertThat(group.agree(9)).isEqualTo(9);
        }
    }
}
