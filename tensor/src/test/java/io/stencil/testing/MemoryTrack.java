package io.stencil.testing;

/// Resident memory over a long piece of repeated work: what is in use after the first tenth, when pools and compiled
/// code have grown up, against the most that is in use at any later time.
public final class MemoryTrack {

    private final long settledAfter;
    private long done;
    private long settled;
    private long most;

    /// @param repetitions of the whole work
    public MemoryTrack(long repetitions) {
        this.settledAfter = Math.ceilDiv(repetitions, 10);
    }

    /// Takes a reading; one call after each repetition.
    public void repetitionDone() {
        done++;
        if (done < settledAfter) {
            return;
        }
        long now = ResidentMemory.bytes();
        if (done == settledAfter) {
            settled = now;
        }
        most = Math.max(most, now);
    }

    /// Growth after the first tenth, as a share of what was in use then: 0.02 is 2 %.
    public double growth() {
        if (settled == 0) {
            throw new IllegalStateException("only %d repetitions were done".formatted(done));
        }
        return (double) (most - settled) / settled;
    }
}
