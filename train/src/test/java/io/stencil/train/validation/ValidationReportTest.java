package io.stencil.train.validation;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.train.validation.ValidationReport.Interval;
import io.stencil.train.validation.ValidationReport.SteeringGain;
import io.stencil.train.validation.ValidationReport.ValidationLoss;
import java.util.Objects;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ValidationReportTest {

    private static final Offset<Double> EXACT = Offset.offset(1e-12);

    /// Values of the tables of the distribution.
    @ParameterizedTest
    @CsvSource({
        "1, 12.706205",
        "2, 4.302653",
        "9, 2.262157",
        "10, 2.228139",
        "15, 2.131450",
        "30, 2.042272",
        "60, 2.000298",
        "1000, 1.962339"
    })
    void theQuantilesAreThoseOfTheTables(int free, double quantile) {
        assertThat(Interval.quantile(free)).isCloseTo(quantile, Offset.offset(1e-5));
    }

    /// Of 1, 2, 3, 4: the standard deviation is sqrt(5/3), and t is 3.182446.
    @Test
    void anIntervalIsThatOfStudent() {
        Interval interval = Interval.of(1, 2, 3, 4);
        double half = 3.182446 * Math.sqrt(5.0 / 3) / 2;

        assertThat(interval.mean()).isEqualTo(2.5);
        assertThat(interval.low()).isCloseTo(2.5 - half, EXACT);
        assertThat(interval.high()).isCloseTo(2.5 + half, EXACT);
        assertThat(interval.isPositive()).isTrue();
    }

    @Test
    void oneValueHasNoBounds() {
        assertThat(Interval.of(7)).isEqualTo(new Interval(7, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY));
    }

    @Test
    void aLossIsTheMeanOfItsBands() {
        ValidationLoss loss = ValidationLoss.of(new double[][] {{1, 2, 3, 4}, {3, 4, 5, 8}});

        assertThat(loss.bands()).containsExactly(2.0, 3.0, 4.0, 6.0);
        assertThat(loss.mean()).isEqualTo(3.75);
    }

    /// The second row has no inputs but its own, and does not count.
    @Test
    void aGainComparesTheSameRows() {
        double[][] right = {{1, 1}, {2, 2}, {3, 3}};
        double[][] without = {{2, 2}, {3, 3}, {4, 4}};
        double[][] other = {{1, 2}, {Double.NaN, Double.NaN}, {4, 3}};

        SteeringGain gain = SteeringGain.of(right, without, other);

        assertThat(gain.template()).isEqualTo(new Interval(1, 1, 1));
        assertThat(gain.input()).isEqualTo(new Interval(0.5, 0.5, 0.5));
        assertThat(gain.rows()).isEqualTo(2);
        assertThat(gain.inWords()).isEqualTo("the Template uses its input");
    }

    @Test
    void aGainIsStatedInWords() {
        double[][] right = {{1}, {1}, {1}};

        assertThat(words(right, new double[][] {{1}, {1.1}, {0.95}}))
                .isEqualTo("the Template does not use its input yet");
        assertThat(words(right, new double[][] {{0.5}, {0.51}, {0.5}}))
                .isEqualTo("the Template does worse with the right inputs than with those of other rows");
        assertThat(words(right, new double[][] {{2}, {Double.NaN}, {Double.NaN}}))
                .isEqualTo(
                        "one of 3 held-out rows has inputs of another, too few to measure whether the Template uses its input: hold out more");
        assertThat(words(right, new double[][] {{Double.NaN}, {Double.NaN}, {Double.NaN}}))
                .isEqualTo(
                        "all 3 held-out rows have the same inputs: whether the Template uses its input cannot be measured;"
                                + " hold out rows with different ones");
        assertThat(words(new double[][] {{1}}, new double[][] {{Double.NaN}}))
                .isEqualTo(
                        "one row is held out, too few to measure whether the Template uses its input: hold out more");
    }

    /// The mean is clearly above 0 where it is more than half as large as the interval reaches to each side.
    @Test
    void fewRowsLeaveOpenWhatManyDeny() {
        assertThat(gain(new Interval(0.51, -0.49, 1.51), 99))
                .isEqualTo("99 rows do not show whether the Template uses its input: hold out more");
        assertThat(gain(new Interval(0.49, -0.51, 1.49), 99)).isEqualTo("the Template does not use its input yet");
        assertThat(gain(new Interval(-0.51, -1.51, 0.49), 99)).isEqualTo("the Template does not use its input yet");
        assertThat(gain(new Interval(0, 0, 0), 99)).isEqualTo("the Template does not use its input yet");
        assertThat(gain(new Interval(0.51, -0.49, 1.51), 100)).isEqualTo("the Template does not use its input yet");
        assertThat(gain(new Interval(0.51, 0.01, 1.01), 99)).isEqualTo("the Template uses its input");
    }

    private static String gain(Interval input, int rows) {
        return new SteeringGain(input, input, rows, rows).inWords();
    }

    private static String words(double[][] right, double[][] other) {
        return SteeringGain.of(right, right, other).inWords();
    }

    /// A loss that is not finite is no gain.
    @Test
    void aGainOfNaNIsNotPositive() {
        SteeringGain gain = SteeringGain.of(
                new double[][] {{Double.NaN}, {1}}, new double[][] {{1}, {1}}, new double[][] {{Double.NaN}, {2}});

        assertThat(gain.template().mean()).isNaN();
        assertThat(Objects.requireNonNull(gain.input()).isPositive()).isFalse();
        assertThat(gain.rows()).isEqualTo(2);
    }
}
