package io.stencil.lab.world;

import java.util.SplittableRandom;

/// Draws the random numbers of one image.
///
/// They come from a [SplittableRandom] that starts at a mix of seed and index, so that an image depends on neither
/// how many there are nor the order in which they are painted. All draws are made of [SplittableRandom#nextLong],
/// which its specification fixes.
public final class Draws {

    private static final long STRIDE = 0x9E3779B97F4A7C15L;

    private final SplittableRandom random;

    /// The draws for image `index` of the world `seed`.
    public Draws(long seed, long index) {
        random = new SplittableRandom(mix(mix(seed) + index * STRIDE));
    }

    /// Stafford's variant 13 of the 64-bit finaliser of MurmurHash3.
    private static long mix(long bits) {
        long z = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    public long bits() {
        return random.nextLong();
    }

    /// 0 to 1, the 1 excluded.
    public double unit() {
        return (bits() >>> 11) * 0x1p-53;
    }

    public double between(double least, double most) {
        return least + unit() * (most - least);
    }

    /// Between `-most` and `most`.
    public double around(double most) {
        return between(-most, most);
    }

    /// Between two positive numbers, each doubling as likely as any other.
    public double ratio(double least, double most) {
        return least * StrictMath.exp(unit() * StrictMath.log(most / least));
    }

    public boolean chance(double probability) {
        return unit() < probability;
    }

    /// A whole number from 0 to `bound - 1`.
    public int below(int bound) {
        return (int) (unit() * bound);
    }

    @SafeVarargs
    public final <T> T one(T... choices) {
        return choices[below(choices.length)];
    }

    /// Any of `choices` but `excluded`.
    @SafeVarargs
    public final <T extends Enum<T>> T oneBut(T excluded, T... choices) {
        T other = choices[below(choices.length - 1)];
        return other.equals(excluded) ? choices[choices.length - 1] : other;
    }
}
