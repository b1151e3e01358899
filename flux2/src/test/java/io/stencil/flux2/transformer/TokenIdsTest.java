package io.stencil.flux2.transformer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import org.junit.jupiter.api.Test;

class TokenIdsTest {

    @Test
    void aPictureIsCountedByRows() {
        try (Scope _ = new Scope()) {
            assertThat(Tensors.shape(TokenIds.reference(1, 2, 3))).containsExactly(1, 6, 4);
            assertThat(TokenIds.reference(1, 2, 3).select(1, 4).sum().item_long())
                    .isEqualTo(20 + 1 + 1);
        }
    }

    /// 65536 x 65536 tokens are 0 in 32 bits, 32768 x 49152 a negative number.
    @Test
    void moreTokensThanAnArrayCanTellAreRefused() {
        assertThatThrownBy(() -> TokenIds.image(65536, 65536))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'size': 4294967296 tokens; at most 268435456 have a place");
        assertThatThrownBy(() -> TokenIds.image(32768, 49152)).isInstanceOf(InvalidRequestException.class);
        assertThatThrownBy(() -> TokenIds.text(1 << 30)).isInstanceOf(InvalidRequestException.class);
    }
}
