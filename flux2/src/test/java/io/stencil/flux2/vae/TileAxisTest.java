package io.stencil.flux2.vae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.vae.TiledPass.TileAxis;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TileAxisTest {

    @Test
    void aSideThatFitsIsOneTile() {
        TileAxis axis = TileAxis.plan(5, 8, 2);
        assertThat(axis.starts()).containsExactly(0);
        assertThat(axis.shares(0, 2)).hasSize(10).containsOnly(1f);
    }

    @Test
    void sharesRiseAndFallLinearly() {
        TileAxis axis = TileAxis.plan(6, 4, 2);
        assertThat(axis.starts()).containsExactly(0, 2);
        assertThat(axis.shares(0, 1)).containsExactly(1f, 1f, 0.75f, 0.25f);
        assertThat(axis.shares(1, 1)).containsExactly(0.25f, 0.75f, 1f, 1f);
    }

    @ParameterizedTest
    @CsvSource({"9, 8, 2", "7, 4, 2", "7, 4, 3", "100, 32, 8", "33, 32, 0", "64, 32, 0", "17, 2, 1", "5, 1, 0"})
    void everyElementIsCoveredAndSharesAddUpToOne(int size, int length, int overlap) {
        TileAxis axis = TileAxis.plan(size, length, overlap);
        for (int scale : new int[] {1, 16}) {
            double[] total = new double[size * scale];
            for (int tile = 0; tile < axis.starts().size(); tile++) {
                float[] shares = axis.shares(tile, scale);
                for (int i = 0; i < shares.length; i++) {
                    assertThat(shares[i]).isPositive();
                    total[axis.starts().get(tile) * scale + i] += shares[i];
                }
            }
            assertThat(total).usingComparatorWithPrecision(1e-6).containsOnly(1);
        }
        for (int tile = 1; tile < axis.starts().size(); tile++) {
            int reached = axis.starts().get(tile - 1) + axis.length();
            assertThat(reached - axis.starts().get(tile)).isGreaterThanOrEqualTo(overlap);
        }
        assertThat(axis.starts()).hasSize(Math.ceilDiv(size - overlap, length - overlap));
    }

    @ParameterizedTest
    @CsvSource({
        "500, 128, 'tile_size', 'must be a multiple of 16 pixels, found 500'",
        "512, 100, 'tile_overlap', 'must be a multiple of 16 pixels, found 100'",
        "512, 512, 'tile_overlap', 'must be at least 0 and less than the tile size 512, found 512'",
        "512, -16, 'tile_overlap', 'must be at least 0 and less than the tile size 512, found -16'",
        "0, 0, 'tile_overlap', 'must be at least 0 and less than the tile size 0, found 0'",
    })
    void numbersOutOfRangeAreRefused(int tile, int overlap, String name, String message) {
        assertThatThrownBy(() -> new Tiling(tile, overlap))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'%s': %s".formatted(name, message));
    }
}
