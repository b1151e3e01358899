package io.stencil.lab.demo;

import java.nio.file.Path;
import java.util.List;

/// What the demo is asked to do, and where its parts lie.
///
/// @param root folder of the checkout, with `models` and `examples`
/// @param output gets everything that the demo makes
/// @param steps of training
/// @param seed of pictures, training and generation
/// @param share of the pictures of an evaluation that are made to show the effect
public record DemoPlan(Path root, Path output, int steps, long seed, double share) {

    static final int PICTURES = 400;
    static final int VALIDATION_PICTURES = 8;
    static final int SIDE = 64;
    static final int BATCH = 16;
    static final int INFERENCE_STEPS = 20;
    static final double GUIDANCE = 3;

    /// The scale of a picture that is neither dark nor bright.
    static final double NEUTRAL = 0.5;

    /// Of the scenes that training sees. The three seeds differ for all seeds of demos, so that no scene comes
    /// twice.
    long datasetSeed() {
        return 3 * seed + 2;
    }

    /// Of the scenes that the loss is validated on.
    long validationSeed() {
        return 3 * seed;
    }

    /// Of the scenes whose captions are shown.
    long showSeed() {
        return 3 * seed + 1;
    }

    Path baseModel() {
        return root.resolve("models/tiny-klein");
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

    /// What training made of it.
    Path weights() {
        return template().resolve("model.safetensors");
    }

    Path training() {
        return output.resolve("training");
    }

    Path chart() {
        return output.resolve("loss.png");
    }

    public Path page() {
        return output.resolve("index.html");
    }

    /// All that a demo makes.
    List<Path> parts() {
        return List.of(dataset(), validation(), template(), training(), chart(), page());
    }
}
