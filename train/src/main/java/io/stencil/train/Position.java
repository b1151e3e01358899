package io.stencil.train;

/// Where a run stands.
///
/// @param step steps that are done
/// @param updates of the weights that are done
/// @param loss of the last step; NaN before the first
/// @param seconds that training took
record Position(long step, long updates, double loss, double seconds) {

    static final Position START = new Position(0, 0, Double.NaN, 0);
}
