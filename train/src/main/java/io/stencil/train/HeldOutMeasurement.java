package io.stencil.train;

import io.stencil.train.validation.ValidationReport.SteeringGain;
import io.stencil.train.validation.ValidationReport.ValidationLoss;
import org.jspecify.annotations.Nullable;

/// Measures the models of a run as they are, on the rows that it holds out.
interface HeldOutMeasurement extends AutoCloseable {

    /// Number of rows.
    int rows();

    /// Number of times that [#measure] measures a row of this process.
    int parts();

    /// Number of rows that this process measures.
    int ownRows();

    /// Identifies the measurement: rows, seed and timesteps.
    String identity();

    /// Measures the weights as they are, with the gain of the Template where there is one.
    ///
    /// @param progress receives the end of each of [#parts]
    Measured measure(Runnable progress);

    /// Measures the loss of the weights as they are and nothing else.
    ValidationLoss loss(Runnable progress);

    @Override
    void close();

    /// Holds the result for one set of weights.
    ///
    /// @param gain null without a Template
    record Measured(ValidationLoss loss, @Nullable SteeringGain gain) {}
}
