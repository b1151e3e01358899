package io.stencil.cli.options;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class MemorySizeTest {

    @ParameterizedTest
    @CsvSource({
        "4GB, 4000000000",
        "4 gb, 4000000000",
        "1.5GiB, 1610612736",
        "500MB, 500000000",
        "64KiB, 65536",
        "12B, 12",
        "4000000000, 4000000000",
    })
    void unitsAreDecimalOrBinary(String text, long bytes) {
        assertThat(new PicocliOptions.MemorySize().convert(text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "GB", "4XB", "-1GB", "1e9", "4GB2", "99999999TB"})
    void allElseIsRefused(String text) {
        assertThatThrownBy(() -> new PicocliOptions.MemorySize().convert(text))
                .isInstanceOf(TypeConversionException.class);
    }
}
