package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.function.IntPredicate;

/// Pixels that hang together by their sides, as indices in reading order.
final class Component {

    private Component() {}

    /// The largest set of connected pixels that `belongs` holds for; empty when there is none.
    static BitSet largest(ImageSize size, IntPredicate belongs) {
        BitSet seen = new BitSet();
        BitSet best = new BitSet();
        for (int start = 0; start < size.width() * size.height(); start++) {
            if (!seen.get(start) && belongs.test(start)) {
                BitSet one = from(size, start, belongs);
                seen.or(one);
                if (one.cardinality() > best.cardinality()) {
                    best = one;
                }
            }
        }
        return best;
    }

    /// All pixels that `belongs` holds for and that can be reached from `start`.
    static BitSet from(ImageSize size, int start, IntPredicate belongs) {
        BitSet found = new BitSet();
        ArrayDeque<Integer> open = new ArrayDeque<>();
        found.set(start);
        open.add(start);
        while (!open.isEmpty()) {
            int at = open.remove();
            for (int next : neighbours(size, at)) {
                if (!found.get(next) && belongs.test(next)) {
                    found.set(next);
                    open.add(next);
                }
            }
        }
        return found;
    }

    /// Those pixels and all within `steps` of them.
    static BitSet grown(ImageSize size, BitSet pixels, int steps) {
        BitSet grown = (BitSet) pixels.clone();
        for (int step = 0; step < steps; step++) {
            BitSet before = (BitSet) grown.clone();
            before.stream().forEach(at -> {
                for (int next : neighbours(size, at)) {
                    grown.set(next);
                }
            });
        }
        return grown;
    }

    /// A pixel at the edge of the picture is its own neighbour beyond it.
    private static int[] neighbours(ImageSize size, int at) {
        int x = at % size.width();
        int y = at / size.width();
        return new int[] {
            x > 0 ? at - 1 : at,
            x < size.width() - 1 ? at + 1 : at,
            y > 0 ? at - size.width() : at,
            y < size.height() - 1 ? at + size.width() : at
        };
    }
}
