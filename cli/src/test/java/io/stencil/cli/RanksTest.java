package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.distributed.ProcessEnvironment;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RanksTest {

    @Test
    void eachRankIsToldItsNumberAndThreadsAreDivided() throws IOException {
        Launcher.Ranks ranks = new Launcher.Ranks(3, 4711, List.of("train", "--seed", "1"), Map.of("PATH", "/bin"));
        List<ProcessBuilder> processes = ranks.processes();
        assertThat(processes).hasSize(3);
        for (int rank = 0; rank < 3; rank++) {
            ProcessEnvironment read = ProcessEnvironment.of(processes.get(rank).environment());
            assertThat(read.rank()).isEqualTo(rank);
            assertThat(read.localRank()).isEqualTo(rank);
            assertThat(read.worldSize()).isEqualTo(3);
            assertThat(processes.get(rank).environment())
                    .containsEntry("MASTER_PORT", "4711")
                    .containsEntry("PATH", "/bin")
                    .containsEntry(
                            "STENCIL_THREADS",
                            Integer.toString(Math.max(1, Runtime.getRuntime().availableProcessors() / 3)));
            assertThat(processes.get(rank).command()).endsWith("train", "--seed", "1");
        }
    }

    @Test
    void aNumberOfThreadsThatIsGivenHoldsForEachRank() {
        Launcher.Ranks ranks = new Launcher.Ranks(2, 4711, List.of("train"), Map.of("STENCIL_THREADS", "5"));
        assertThat(ranks.variables(1, 4711)).containsEntry("STENCIL_THREADS", "5");
    }
}
