package io.stencil.train.optim;

import io.stencil.train.optim.Optimizer.Arguments;
import java.util.List;

/// Names the optimizers of a training.
public enum OptimizerType {
    ADAMW("adamw"),
    /// AdamW with moments in 8 bits.
    ADAMW_8BIT("adamw8bit"),
    ADAFACTOR("adafactor"),
    LION("lion"),
    PRODIGY("prodigy");

    private final String option;

    OptimizerType(String option) {
        this.option = option;
    }

    /// As on the command line.
    public String option() {
        return option;
    }

    /// Reads the constants of the method.
    ///
    /// @param arguments `name=value` each; others have their default
    /// @throws io.stencil.error.InvalidRequestException for an argument that the method does not have
    public Optimizer.Settings settings(double weightDecay, List<String> arguments) {
        Arguments read = new Arguments(arguments);
        Optimizer.Settings settings = switch (this) {
            case ADAMW -> AdamW.Settings.of(weightDecay, read);
            case ADAMW_8BIT -> AdamW8bit.Settings.of(weightDecay, read);
            case ADAFACTOR -> Adafactor.Settings.of(weightDecay, read);
            case LION -> Lion.Settings.of(weightDecay, read);
            case PRODIGY -> Prodigy.Settings.of(weightDecay, read);
        };
        read.requireKnown(option);
        return settings;
    }
}
