package io.stencil.cli;

import io.stencil.error.InvalidRequestException;
import java.nio.file.Path;

/// The checkout that the launcher runs, with `models` and `examples`.
final class Checkout {

    private static final String ROOT = "stencil.root";

    private Checkout() {}

    /// @throws InvalidRequestException when the command was not started by the launcher
    static Path root() {
        String root = System.getProperty(ROOT);
        if (root == null) {
            throw new InvalidRequestException(ROOT, "is not set; run this by ./stencil of a checkout");
        }
        return Path.of(root);
    }
}
