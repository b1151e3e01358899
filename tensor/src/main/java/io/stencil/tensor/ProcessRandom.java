package io.stencil.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.global.torch;

/// Seeds the generators of the process, from which libtorch's operations draw where they are given none, while code
/// runs that may draw from them, such as a Template's.
///
/// They are one of the whole process: what runs here waits for what another thread runs here. Afterwards the CPU's is
/// as it was before.
public final class ProcessRandom {

    private static final ReentrantLock LOCK = new ReentrantLock();

    private ProcessRandom() {}

    /// Where the generators of the CPU and of another device are.
    public static final class State implements AutoCloseable {
        private final Device device;
        private final List<OwnedTensor> states = new ArrayList<>();

        private State(Device device) {
            this.device = device;
            try (Scope _ = new Scope()) {
                generators(device).forEach(one -> states.add(new OwnedTensor(one.get_state())));
            }
        }

        /// Finds out where they are now. The caller closes the result.
        ///
        /// @param device beside the CPU
        public static State of(Device device) {
            Libtorch.load();
            return new State(device);
        }

        /// Whether nothing was drawn since.
        public boolean isPresent() {
            try (Scope _ = new Scope()) {
                List<Generator> now = generators(device);
                for (int i = 0; i < states.size(); i++) {
                    if (!states.get(i).get().equal(now.get(i).get_state())) {
                        return false;
                    }
                }
                return true;
            }
        }

        private void restore() {
            try (Scope _ = new Scope()) {
                List<Generator> now = generators(device);
                for (int i = 0; i < states.size(); i++) {
                    now.get(i).set_state(states.get(i).get());
                }
            }
        }

        private static List<Generator> generators(Device device) {
            List<Generator> generators = new ArrayList<>();
            generators.add(torch.getDefaultCPUGenerator());
            if (device.kind() == Device.Kind.CUDA) {
                generators.add(torch.globalContext().defaultGenerator(device.toNative()));
            }
            return generators;
        }

        @Override
        public void close() {
            states.forEach(OwnedTensor::close);
        }
    }

    /// Runs `work` with the generators of all devices seeded.
    public static <T> T seeded(long seed, Supplier<T> work) {
        return prepared(() -> torch.manual_seed(seed), work);
    }

    /// Runs `work` with the generators as they were.
    public static <T> T restored(State state, Supplier<T> work) {
        return prepared(state::restore, work);
    }

    private static <T> T prepared(Runnable preparation, Supplier<T> work) {
        LOCK.lock();
        try (State before = State.of(Device.CPU)) {
            preparation.run();
            try {
                return work.get();
            } finally {
                before.restore();
            }
        } finally {
            LOCK.unlock();
        }
    }

    /// Whether this thread runs code that was seeded here. It must not wait for a thread that may wait for its turn
    /// here.
    public static boolean isHeld() {
        return LOCK.isHeldByCurrentThread();
    }

    /// Whether `work` draws from the generator of the CPU, while no other thread does. Afterwards it is as it was
    /// before.
    public static boolean draws(Runnable work) {
        LOCK.lock();
        try (State before = State.of(Device.CPU)) {
            try {
                work.run();
                return !before.isPresent();
            } finally {
                before.restore();
            }
        } finally {
            LOCK.unlock();
        }
    }

    /// Makes a seed of another one and of numbers; where any of them differs, it is another (the finaliser of
    /// SplitMix64, Steele et al. 2014).
    public static long seed(long seed, long... numbers) {
        long mixed = mix(seed);
        for (long number : numbers) {
            mixed = mix(mixed + 0x9e3779b97f4a7c15L + number);
        }
        return mixed;
    }

    private static long mix(long value) {
        long mixed = (value ^ value >>> 30) * 0xbf58476d1ce4e5b9L;
        mixed = (mixed ^ mixed >>> 27) * 0x94d049bb133111ebL;
        return mixed ^ mixed >>> 31;
    }
}
