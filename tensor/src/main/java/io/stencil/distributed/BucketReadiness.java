package io.stencil.distributed;

import java.util.Arrays;

/// Tells, while the last backward passes of an update run, which buckets of gradients are whole.
///
/// A parameter may get gradients several times within an update: from each sample, and from each checkpointed segment
/// that uses it. How often is learnt from the updates before. A bucket is whole when each of its parameters got as many
/// as ever, and buckets count as whole in their order only, so that all processes send them in one order. One that gets
/// more than ever after its bucket was sent makes that stale: it is to be sent again.
final class BucketReadiness {

    private static final int NONE = -1;

    private final int[] bucketOf;
    private final int[] most;
    private final int[] got;
    private final int[] awaited;
    private final boolean[] stale;
    private boolean learnt;
    private int arriving = NONE;
    private int sent;

    /// @param bucketOf number of the bucket of each parameter
    BucketReadiness(int[] bucketOf, int buckets) {
        this.bucketOf = bucketOf.clone();
        most = new int[bucketOf.length];
        got = new int[bucketOf.length];
        awaited = new int[buckets];
        stale = new boolean[buckets];
        reset();
    }

    /// Begins with the last passes of another update.
    void reset() {
        Arrays.fill(got, 0);
        Arrays.fill(stale, false);
        Arrays.fill(awaited, 0);
        for (int parameter = 0; parameter < bucketOf.length; parameter++) {
            awaited[bucketOf[parameter]] += most[parameter] > 0 ? 1 : 0;
        }
        arriving = NONE;
        sent = 0;
    }

    /// Marks a parameter whose gradient is about to be added; that of the parameter marked before is added by now.
    void arrives(int parameter) {
        settle();
        arriving = parameter;
        stale[bucketOf[parameter]] |= bucketOf[parameter] < sent;
    }

    private void settle() {
        if (arriving != NONE && ++got[arriving] == most[arriving]) {
            awaited[bucketOf[arriving]]--;
        }
        arriving = NONE;
    }

    /// The number of the next bucket that is to be sent now, once; -1 when none is.
    int next() {
        return learnt && sent < awaited.length && awaited[sent] == 0 && !isArriving(sent) ? sent++ : NONE;
    }

    private boolean isArriving(int bucket) {
        return arriving != NONE && bucketOf[arriving] == bucket;
    }

    /// The passes are over: learns from them.
    void end() {
        settle();
        for (int parameter = 0; parameter < got.length; parameter++) {
            most[parameter] = Math.max(most[parameter], got[parameter]);
        }
        learnt |= Arrays.stream(got).anyMatch(count -> count > 0);
    }

    /// Whether a gradient came to a bucket after it was sent.
    boolean isStale(int bucket) {
        return stale[bucket];
    }
}
