package io.stencil.lab.world;

import java.util.function.DoubleUnaryOperator;

/// Finds where a rising function reaches a value, by halving an interval again and again.
final class Halving {

    private static final int TIMES = 12;

    private Halving() {}

    /// @param rising with its argument, which is a factor: halves are of equal ratio
    /// @param wanted value of the function
    /// @param least argument that may be the answer, above 0
    /// @param most argument that may be the answer
    /// @return the last that was tried, which is within a 4,096th of the interval
    static double seek(DoubleUnaryOperator rising, double wanted, double least, double most) {
        double low = least;
        double high = most;
        double middle = least;
        for (int i = 0; i < TIMES; i++) {
            middle = Math.sqrt(low * high);
            if (rising.applyAsDouble(middle) < wanted) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return middle;
    }
}
