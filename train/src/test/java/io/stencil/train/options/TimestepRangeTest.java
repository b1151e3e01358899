package io.stencil.train.options;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import io.stencil.train.options.ObjectiveOptions.TimestepRange;
import io.stencil.train.step.NoiseDraws;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TimestepRangeTest {

    @Test
    void timestepsComeFromThePartThatIsNamed() {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(1)) {
            NoiseDraws draws = NoiseDraws.from(generator, new TimestepRange(0.6, 0.65));
            int[] drawn = IntStream.range(0, 1000)
                    .map(_ -> draws.next(DType.FLOAT32, 1).timestepIndex())
                    .distinct()
                    .sorted()
                    .toArray();
            assertThat(drawn).isEqualTo(IntStream.range(600, 650).toArray());
        }
    }

    @Test
    void thePartThatIsAllDrawsWhatNoPartDraws() {
        assertThat(TimestepRange.ALL.first(1000)).isZero();
        assertThat(TimestepRange.ALL.count(1000)).isEqualTo(1000);
    }

    @Test
    void aPartSmallerThanAStepIsOneStep() {
        assertThat(new TimestepRange(0.9999, 1).first(1000)).isEqualTo(999);
        assertThat(new TimestepRange(0.5001, 0.5002).count(1000)).isEqualTo(1);
    }

    @Test
    void boundariesThatCannotBeAreNamed() {
        assertThatThrownBy(() -> new TimestepRange(-0.1, 1))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'min_timestep_boundary': must be between 0 and 1, found -0.1");
        assertThatThrownBy(() -> new TimestepRange(0, Double.NaN))
                .hasMessage("'max_timestep_boundary': must be between 0 and 1, found NaN");
        assertThatThrownBy(() -> new TimestepRange(0.5, 0.5))
                .hasMessage("'max_timestep_boundary': must be above min_timestep_boundary 0.5, found 0.5");
    }
}
