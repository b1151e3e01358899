package io.stencil.flux2.transformer;

import org.junit.jupiter.api.Tag;

@Tag("memory")
class SingleStreamActivationsTest extends BlockActivations {

    @Override
    int block() {
        return 3;
    }
}
