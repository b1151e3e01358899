package io.stencil.flux2.transformer;

import org.junit.jupiter.api.Tag;

@Tag("memory")
class DoubleStreamActivationsTest extends BlockActivations {

    @Override
    int block() {
        return 1;
    }
}
