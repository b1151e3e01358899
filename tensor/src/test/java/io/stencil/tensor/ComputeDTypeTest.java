package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.ProductSpeed.ProductSpeedFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ComputeDTypeTest {

    private static final ProductSpeed WIDE = new ProductSpeed(0.01, 0.02);
    private static final ProductSpeed HALF = new ProductSpeed(0.02, 0.01);

    @TempDir
    private Path folder;

    @Test
    void onlyHalfPrecisionOnTheCpuIsWidened() {
        assertThat(ComputeDType.fastest(DType.FLOAT32, Device.CPU)).isEqualTo(DType.FLOAT32);
        assertThat(ComputeDType.fastest(DType.BFLOAT16, Device.META)).isEqualTo(DType.BFLOAT16);
    }

    @Test
    void aWishDecides() {
        assertThat(ComputeDType.onCpu(DType.BFLOAT16, "float32")).isEqualTo(DType.FLOAT32);
        assertThat(ComputeDType.onCpu(DType.FLOAT16, "native")).isEqualTo(DType.FLOAT16);
        assertThatThrownBy(() -> ComputeDType.onCpu(DType.BFLOAT16, "fast"))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("'STENCIL_COMPUTE': is 'fast'");
    }

    @Test
    void theFasterProductWins() {
        assertThat(WIDE.wideIsFaster()).isTrue();
        assertThat(HALF.wideIsFaster()).isFalse();
        ProductSpeed here = ProductSpeed.measure();
        assertThat(here.wideSeconds()).isPositive();
        assertThat(here.halfSeconds()).isPositive();
    }

    @Test
    void aMachineMeasuresOnce() {
        ProductSpeedFile file = new ProductSpeedFile(folder.resolve("cache/products.json"), "here");
        assertThat(file.readOrMeasure(() -> WIDE)).isEqualTo(WIDE);
        assertThat(file.readOrMeasure(() -> HALF)).isEqualTo(WIDE);
        ProductSpeedFile elsewhere = new ProductSpeedFile(file.file(), "elsewhere");
        assertThat(elsewhere.readOrMeasure(() -> HALF)).isEqualTo(HALF);
    }

    @Test
    void aBrokenFileIsMeasuredAgain() throws IOException {
        Path file = Files.writeString(folder.resolve("products.json"), "{\"machine\": ");
        assertThat(new ProductSpeedFile(file, "here").readOrMeasure(() -> HALF)).isEqualTo(HALF);
        assertThat(Files.readString(file)).contains("\"here\"");
    }
}
