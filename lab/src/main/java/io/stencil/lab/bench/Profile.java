package io.stencil.lab.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/// Attributes the time of one thread to kinds of work, by looking every two milliseconds at the libtorch function that
/// it is in.
///
/// The measured code is not changed for it. Backward passes that libtorch runs by itself are one kind of their own:
/// which of its functions run there cannot be seen from Java.
public final class Profile implements AutoCloseable {

    private static final long INTERVAL_MILLIS = 2;
    private static final Path PROCESS = Path.of("/proc/self/stat");
    private static final double TICKS_PER_SECOND = 100; // USER_HZ of Linux

    /// What a thread can be doing.
    public enum Work {
        PRODUCTS("products"),
        ATTENTION("attention"),
        CASTS("casts and copies"),
        ELEMENTWISE("elementwise passes"),
        BACKWARD("libtorch's backward of attention and elementwise passes"),
        ALLOCATION("allocating and freeing"),
        OPTIMIZER("optimizer"),
        JAVA("Java");

        private final String label;

        Work(String label) {
            this.label = label;
        }

        /// Its name in tables and in JSON.
        public String label() {
            return label;
        }
    }

    /// How a process spent the time of its processors, in seconds; together they are threads times duration.
    ///
    /// @param user in its own code and libraries
    /// @param kernel in the kernel, which is mostly the clearing and mapping of new memory
    /// @param waiting of threads that had nothing to do
    public record Processors(double user, double kernel, double waiting) {}

    /// Seconds of a profiled time.
    ///
    /// @param works of the thread; their sum is the whole time
    /// @param processors of the process; null where the system does not report it
    public record Seconds(Map<Work, Double> works, @Nullable Processors processors) {

        public Seconds {
            works = Map.copyOf(works);
        }
    }

    private static final String LIBTORCH = "org.bytedeco.pytorch.";
    private static final Set<String> PRODUCT = Set.of(
            "mm", "mm_out", "addmm", "addmm_out", "bmm", "baddbmm", "matmul", "linear", "conv2d", "conv_transpose2d");
    private static final Set<String> COPY = Set.of("cat", "clone", "contiguous", "copy_", "to", "toType", "item");
    private static final Set<String> ALLOCATING = Set.of("empty", "zeros", "ones", "full", "empty_like", "zeros_like");

    private final Thread thread;
    private final int threads;
    private final Thread sampler = Thread.ofPlatform().daemon().name("profile").unstarted(this::sample);
    private final Map<Work, Long> samples = new EnumMap<>(Work.class);
    private final long began = System.nanoTime();
    private final double[] used = processorSeconds();
    private volatile boolean closed;

    /// Begins to look at this thread.
    ///
    /// @param threads that libtorch uses for an operation
    public Profile(int threads) {
        this.thread = Thread.currentThread();
        this.threads = threads;
        sampler.start();
    }

    private void sample() {
        while (!closed) {
            samples.merge(workOf(thread.getStackTrace()), 1L, Long::sum);
            try {
                Thread.sleep(INTERVAL_MILLIS);
            } catch (InterruptedException _) {
                return;
            }
        }
    }

    /// Ends the profile, and returns its figures.
    public Seconds end() {
        double seconds = (System.nanoTime() - began) / 1e9;
        double[] now = processorSeconds();
        close();
        long all =
                Math.max(1, samples.values().stream().mapToLong(Long::longValue).sum());
        Map<Work, Double> works = new EnumMap<>(Work.class);
        samples.forEach((work, count) -> works.put(work, seconds * count / all));
        if (now.length == 0 || used.length == 0) {
            return new Seconds(works, null);
        }
        double user = now[0] - used[0];
        double kernel = now[1] - used[1];
        return new Seconds(works, new Processors(user, kernel, Math.max(0, threads * seconds - user - kernel)));
    }

    /// The mean of several runs.
    ///
    /// @param runs one or more
    static Seconds mean(List<Seconds> runs) {
        Map<Work, Double> works = new EnumMap<>(Work.class);
        runs.forEach(run ->
                run.works().forEach((work, seconds) -> works.merge(work, seconds / runs.size(), Double::sum)));
        List<Processors> processors =
                runs.stream().map(Seconds::processors).filter(Objects::nonNull).toList();
        return new Seconds(
                works,
                processors.isEmpty()
                        ? null
                        : new Processors(
                                mean(processors, Processors::user),
                                mean(processors, Processors::kernel),
                                mean(processors, Processors::waiting)));
    }

    private static double mean(List<Processors> runs, ToDoubleFunction<Processors> part) {
        return runs.stream().mapToDouble(part).average().orElseThrow();
    }

    @Override
    public void close() {
        closed = true;
        try {
            sampler.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// The kind of work of a stack: that of a part of Stencil which is one kind as a whole, else that of the innermost
    /// function of libtorch. What called a backward pass is not looked at from within it.
    static Work workOf(StackTraceElement[] stack) {
        @Nullable Work innermost = null;
        for (StackTraceElement frame : stack) {
            @Nullable Work whole = wholePart(frame);
            if (whole != null) {
                return whole;
            }
            if (!frame.isNativeMethod() || !frame.getClassName().startsWith(LIBTORCH)) {
                continue;
            }
            Work work = nativeWork(frame.getMethodName());
            innermost = innermost == null ? work : innermost;
            if (work == Work.BACKWARD) {
                return innermost;
            }
        }
        return innermost == null ? Work.JAVA : innermost;
    }

    private static @Nullable Work wholePart(StackTraceElement frame) {
        String type = frame.getClassName();
        String method = frame.getMethodName();
        if (type.equals("io.stencil.nn.Attention")) {
            return Work.ATTENTION;
        }
        if (type.startsWith("io.stencil.train.optim.")) {
            return Work.OPTIMIZER;
        }
        if (type.startsWith("org.bytedeco.javacpp.") && method.startsWith("deallocate")) {
            return Work.ALLOCATION;
        }
        boolean isWidening = type.startsWith("io.stencil.tensor.WeightValues") && method.startsWith("wide");
        boolean isCast = type.equals("io.stencil.tensor.DType") && method.equals("cast");
        return isWidening || isCast ? Work.CASTS : null;
    }

    private static Work nativeWork(String function) {
        if (PRODUCT.contains(function)) {
            return Work.PRODUCTS;
        }
        if (COPY.contains(function)) {
            return Work.CASTS;
        }
        if (ALLOCATING.contains(function)) {
            return Work.ALLOCATION;
        }
        String lower = function.toLowerCase(Locale.ROOT);
        return lower.contains("backward") || lower.equals("grad") ? Work.BACKWARD : Work.ELEMENTWISE;
    }

    /// Seconds of this process in user and in kernel mode; empty where the system does not report them.
    private static double[] processorSeconds() {
        try {
            String stat = Files.readString(PROCESS);
            // The name of the process, the second field, may hold spaces; utime and stime are the 14th and 15th.
            List<String> fields =
                    List.of(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1));
            return new double[] {
                Long.parseLong(fields.get(11)) / TICKS_PER_SECOND, Long.parseLong(fields.get(12)) / TICKS_PER_SECOND
            };
        } catch (IOException _) {
            return new double[0];
        }
    }
}
