package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;

/// How rows are treated that cannot be read: an image that cannot be decoded, inputs that do not fit.
public enum OnBadRow {
    /// The first one ends the run.
    FAIL("fail"),
    /// All are found before the first step and left out, if they are few.
    SKIP("skip");

    /// Skipped rows are at most one of so many, or one.
    private static final int MINIMUM_ROWS_PER_SKIP = 10;

    private final String option;

    OnBadRow(String option) {
        this.option = option;
    }

    /// The value of the option.
    public String option() {
        return option;
    }

    /// How many rows of a dataset may be skipped: a tenth, and at least one, but not all.
    public static int maximumSkipped(int rows) {
        return Math.min(Math.max(rows / MINIMUM_ROWS_PER_SKIP, 1), rows - 1);
    }

    /// @throws InvalidRequestException when the value is not known
    public static OnBadRow parse(String value) {
        for (OnBadRow policy : values()) {
            if (policy.option.equals(value)) {
                return policy;
            }
        }
        throw new InvalidRequestException("on_bad_row", "expected fail or skip, found '%s'".formatted(value));
    }
}
