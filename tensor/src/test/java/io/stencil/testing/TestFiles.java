package io.stencil.testing;

import java.nio.file.Path;
import java.util.Objects;

/// Where the data of the tests lies.
public final class TestFiles {

    private TestFiles() {}

    /// The root of the checkout.
    public static Path root() {
        return Path.of(Objects.requireNonNull(
                System.getProperty("stencil.root"), "the tests need -Dstencil.root=<checkout>, which Maven sets"));
    }

    /// A file of `testdata/golden`.
    public static Path golden(String name) {
        return root().resolve("testdata/golden").resolve(name);
    }

    /// A file of `testdata/manifests`.
    public static Path manifest(String name) {
        return root().resolve("testdata/manifests").resolve(name);
    }

    /// A file or folder of the tiny base model with random weights.
    public static Path tinyModel(String name) {
        return root().resolve("models/tiny-flux2").resolve(name);
    }
}
