package io.stencil.train.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DataOrderTest {

    @Test
    void withoutShufflingRowsComeAsInTheFile() {
        DataOrder order = new DataOrder(3, 2, false, 7);
        assertThat(order.epoch(0)).containsExactly(0, 1, 2, 0, 1, 2);
        assertThat(order.epoch(5)).containsExactly(0, 1, 2, 0, 1, 2);
    }

    @Test
    void eachEpochHasEveryRowAsOftenAsItIsRepeatedInAnOrderOfItsOwn() {
        DataOrder order = new DataOrder(50, 3, true, 7);
        assertThat(order.epochLength()).isEqualTo(150);
        int[] expected = IntStream.range(0, 150).map(i -> i / 3).toArray();
        for (int epoch = 0; epoch < 3; epoch++) {
            assertThat(Arrays.stream(order.epoch(epoch)).sorted().toArray()).isEqualTo(expected);
        }
        assertThat(order.epoch(0)).isNotEqualTo(order.epoch(1));
        assertThat(order.epoch(1)).isNotEqualTo(order.epoch(2));
    }

    @Test
    void theSeedDecidesTheOrder() {
        assertThat(new DataOrder(50, 1, true, 7).epoch(2)).isEqualTo(new DataOrder(50, 1, true, 7).epoch(2));
        assertThat(new DataOrder(50, 1, true, 7).epoch(2)).isNotEqualTo(new DataOrder(50, 1, true, 8).epoch(2));
    }

    @Test
    void theOrderOfASeedNeverChanges() {
        assertThat(new DataOrder(8, 1, true, 42).epoch(0)).containsExactly(1, 0, 4, 7, 2, 3, 5, 6);
    }

    @Test
    void everyRowComesFirstAboutEquallyOften() {
        int[] counts = new int[5];
        for (int epoch = 0; epoch < 5000; epoch++) {
            counts[new DataOrder(5, 1, true, 3).epoch(epoch)[0]]++;
        }
        assertThat(Arrays.stream(counts)).allMatch(count -> count > 850 && count < 1150);
    }
}
