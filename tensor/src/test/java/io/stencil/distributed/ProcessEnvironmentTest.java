package io.stencil.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProcessEnvironmentTest {

    private static final Map<String, String> SECOND_OF_THREE =
            Map.of("MASTER_ADDR", "node-0", "MASTER_PORT", "29500", "RANK", "1", "WORLD_SIZE", "3");

    @Test
    void nothingSetMeansAlone() {
        assertThat(ProcessEnvironment.of(Map.of("PATH", "/bin"))).isEqualTo(ProcessEnvironment.ALONE);
        assertThat(ProcessEnvironment.of(Map.of("WORLD_SIZE", "1"))).isEqualTo(ProcessEnvironment.ALONE);
        assertThat(ProcessEnvironment.ALONE.isShared()).isFalse();
    }

    @Test
    void whatAnOperatorOfKubernetesSetsIsEnough() {
        ProcessEnvironment read = ProcessEnvironment.of(SECOND_OF_THREE);
        assertThat(read)
                .isEqualTo(new ProcessEnvironment(
                        1, 3, 0, new ProcessEnvironment.Meeting("node-0", 29_500, false, "stencil/0/")));
        assertThat(read.isShared()).isTrue();
    }

    @Test
    void torchrunHoldsTheStoreItself() {
        Map<String, String> environment = new HashMap<>(SECOND_OF_THREE);
        environment.putAll(
                Map.of("LOCAL_RANK", "1", "TORCHELASTIC_USE_AGENT_STORE", "True", "TORCHELASTIC_RESTART_COUNT", "2"));
        ProcessEnvironment read = ProcessEnvironment.of(environment);
        assertThat(read.localRank()).isEqualTo(1);
        assertThat(Objects.requireNonNull(read.meeting()).hostedElsewhere()).isTrue();
        assertThat(Objects.requireNonNull(read.meeting()).prefix()).isEqualTo("stencil/2/");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '"',
            value = {
                "MASTER_ADDR; \"\"; 'MASTER_ADDR': is not set in the environment",
                "MASTER_PORT; \"\"; 'MASTER_PORT': is not set in the environment",
                "RANK; \"\"; 'RANK': is not set in the environment",
                "WORLD_SIZE; \"\"; 'WORLD_SIZE': is not set in the environment",
                "RANK; 3; 'RANK': is '3' in the environment",
                "RANK; one; 'RANK': is 'one' in the environment",
                "WORLD_SIZE; 0; 'WORLD_SIZE': is '0' in the environment",
                "WORLD_SIZE; 1; 'RANK': is '1' in the environment",
                "MASTER_PORT; 70000; 'MASTER_PORT': is '70000' in the environment",
                "LOCAL_RANK; -1; 'LOCAL_RANK': is '-1' in the environment"
            })
    void wrongOrPartialIsOneClearError(String name, String value, String message) {
        Map<String, String> environment = new HashMap<>(SECOND_OF_THREE);
        environment.put(name, value);
        assertThatThrownBy(() -> ProcessEnvironment.of(environment))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith(message);
    }
}
