package io.stencil.distributed;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.distributed.GradientReducer.BucketReadiness;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class BucketReadinessTest {

    private static final int EARLY = 0;
    private static final int LATE = 1;

    /// Two parameters in the first bucket, one in the second.
    private final BucketReadiness readiness = new BucketReadiness(new int[] {0, 0, 1}, 2);

    /// @return what is to be sent after each arrival
    private List<List<Integer>> pass(int... arrivals) {
        List<List<Integer>> sent = new ArrayList<>();
        for (int parameter : arrivals) {
            readiness.arrives(parameter);
            List<Integer> now = new ArrayList<>();
            for (int bucket = readiness.next(); bucket >= 0; bucket = readiness.next()) {
                now.add(bucket);
            }
            sent.add(now);
        }
        readiness.end();
        return sent;
    }

    @Test
    void nothingIsSentBeforeItIsKnownHowOftenGradientsCome() {
        assertThat(pass(0, 1, 2)).containsExactly(List.of(), List.of(), List.of());
    }

    @Test
    void aBucketIsSentOnceTheNextGradientShowsThatItsLastIsAdded() {
        pass(0, 1, 2);
        readiness.reset();

        assertThat(pass(0, 1, 2)).containsExactly(List.of(), List.of(), List.of(EARLY));
    }

    @Test
    void bucketsAreSentInTheirOrderAlone() {
        pass(2, 0, 1, 2);
        readiness.reset();

        assertThat(pass(2, 2, 0, 1)).allSatisfy(sent -> assertThat(sent).isEmpty());
    }

    @Test
    void aBucketWaitsForAllGradientsOfItsParameters() {
        pass(0, 1, 0, 1, 2, 2);
        readiness.reset();

        assertThat(pass(0, 1, 0, 1, 2, 2))
                .containsExactly(List.of(), List.of(), List.of(), List.of(), List.of(EARLY), List.of());
    }

    @Test
    void whatNobodyUsedIsNotWaitedFor() {
        pass(0, 2);
        readiness.reset();

        assertThat(pass(0, 2)).containsExactly(List.of(), List.of(EARLY));
    }

    @Test
    void aGradientThatComesAfterItsBucketLeftMakesItStale() {
        pass(0, 1, 2);
        readiness.reset();
        pass(0, 1, 2, 1);

        assertThat(readiness.isStale(EARLY)).isTrue();
        assertThat(readiness.isStale(LATE)).isFalse();

        readiness.reset();
        assertThat(readiness.isStale(EARLY)).isFalse();
        assertThat(pass(0, 1, 2, 1, 2))
                .as("it is waited for from then on")
                .containsExactly(List.of(), List.of(), List.of(), List.of(), List.of(EARLY));
        assertThat(readiness.isStale(EARLY)).isFalse();
    }
}
