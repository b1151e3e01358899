package io.stencil.train.validation;

/// Records the best validation of a run and the last: part of the run's state.
///
/// @param identity what decides the numbers of the validations beside the weights: rows, seed and timesteps
/// @param step of the validation with the lowest loss; -1 before the first
/// @param loss its loss; infinite before the first
/// @param since validations at intervals after it
/// @param last step of the last validation; -1 before the first
public record BestValidation(String identity, long step, double loss, int since, long last) {

    /// Begins before the first validation.
    public static BestValidation none(String identity) {
        return new BestValidation(identity, -1, Double.POSITIVE_INFINITY, 0, -1);
    }

    /// Takes in a validation. A loss that is NaN is no improvement.
    ///
    /// @param atInterval whether a run of any length has this validation; one that only the end of the run brings does
    ///     not count among those without improvement, as the run may be extended
    public BestValidation after(long validated, double found, boolean atInterval) {
        return found < loss
                ? new BestValidation(identity, validated, found, 0, validated)
                : new BestValidation(identity, step, loss, atInterval ? since + 1 : since, validated);
    }
}
