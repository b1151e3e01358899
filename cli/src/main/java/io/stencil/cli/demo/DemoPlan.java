package io.stencil.cli.demo;

import java.nio.file.Path;

/// What the demo is asked to do, and where its parts lie.
///
/// @param root folder of the checkout, with `models` and `examples`
/// @param output gets everything that the demo makes
/// @param steps of training
/// @param seed of pictures, training and generation
public record DemoPlan(Path root, Path output, int steps, long seed) {

    static final int PICTURES = 24;
    static final int VALIDATION_PICTURES = 6;
    static final int HEIGHT = 128;
    static final int WIDTH = 192;

    Path baseModel() {
        return root.resolve("models/tiny-flux2");
    }

    /// The Template as its author wrote it.
    Path example() {
        return root.resolve("examples/brightness");
    }

    Path dataset() {
        return output.resolve("dataset");
    }

    /// Pictures that training never sees.
    Path validation() {
        return output.resolve("validation");
    }

    /// The copy of the Template that gets the trained weights.
    Path template() {
        return output.resolve("brightness");
    }

    Path training() {
        return output.resolve("training");
    }

    Path pictures() {
        return output.resolve("pictures");
    }

    Path chart() {
        return output.resolve("loss.png");
    }

    public Path page() {
        return output.resolve("index.html");
    }
}
