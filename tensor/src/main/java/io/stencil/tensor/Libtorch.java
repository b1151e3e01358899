package io.stencil.tensor;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.VisibleText;
import io.stencil.tensor.NativeCache.NativeLibrary;
import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch_gloo;
import org.jspecify.annotations.Nullable;

/// Loads libtorch once, with the settings that Stencil needs.
///
/// Every entry of the engine calls [#load]. Settings that the user gave as system properties win:
/// `org.bytedeco.openblas.load` picks the maths library (`mkl` when its jar is on the class path, which halves the
/// time of attention), `org.bytedeco.javacpp.cachedir` says where native libraries lie (JavaCPP's folder, another
/// one for OpenBLAS beside MKL, unless a library of JavaCPP was loaded before), `org.bytedeco.javacpp.maxBytes`
/// and `maxPhysicalBytes` bound native memory (no bound: weights are larger than the Java heap by design), and the
/// environment variable `STENCIL_THREADS` the threads of an operation.
public final class Libtorch {

    private static final String THREADS = "STENCIL_THREADS";
    private static final String MATHS = "org.bytedeco.openblas.load";
    private static final String OPENBLAS = "openblas";
    private static final String CACHE = "org.bytedeco.javacpp.cachedir";
    private static final String PYTORCH = "pytorch/%s/libjnitorch.so";
    private static final String OTHER_CACHE = "org.bytedeco.javacpp.cacheDir"; // JavaCPP reads either

    private static final String FLAT_CACHE = "org.bytedeco.javacpp.cachedir.nosubdir";

    /// One file of each jar whose libraries JavaCPP unpacks for libtorch.
    private static final List<String> UNPACKED =
            List.of("javacpp/%s/libjnijavacpp.so", "openblas/%s/libjniopenblas.so", "mkl/%s/libmkl_rt.so.2", PYTORCH);

    private static volatile boolean loaded;

    private Libtorch() {}

    /// Makes libtorch ready; cheap after the first call.
    ///
    /// @throws io.stencil.error.InvalidFileException when the folder of native libraries cannot be written, or has no
    /// space for them
    /// @throws InvalidRequestException when Java denies native access
    /// @throws UnsatisfiedLinkError when no native build for this platform is on the class path
    public static void load() {
        if (!loaded) {
            loadOnce();
        }
    }

    private static synchronized void loadOnce() {
        if (loaded) {
            return;
        }
        NativeAccess.load("libtorch", () -> cache().load(Loaded::ensure));
        loaded = true;
    }

    /// Lets operations on this thread, which Java began, use as many threads as on the others.
    public static void prepareThread() {
        load();
        torch.get_num_threads(); // libtorch then gives the number to this thread's OpenMP
    }

    /// Checks the environment variables that [#load] reads, without loading anything.
    ///
    /// @throws InvalidRequestException when `STENCIL_THREADS` is not a number above 0
    public static void checkEnvironment() {
        threads();
    }

    private static OptionalInt threads() {
        String threads = System.getenv(THREADS);
        if (threads == null || threads.isBlank()) {
            return OptionalInt.empty();
        }
        if (!threads.matches("[1-9][0-9]{0,5}")) {
            throw new InvalidRequestException(
                    THREADS, "is '%s' in the environment; expected a number of threads above 0".formatted(threads));
        }
        return OptionalInt.of(Integer.parseInt(threads));
    }

    /// Name of the maths library that multiplies matrices: `mkl` or `openblas`.
    static String maths() {
        load();
        return System.getProperty(MATHS, OPENBLAS);
    }

    /// True when a CUDA build of libtorch found a GPU.
    public static boolean cudaAvailable() {
        load();
        return torch.cuda_is_available();
    }

    private static void setDefaults() {
        setDefault("org.bytedeco.javacpp.maxBytes", "0");
        setDefault("org.bytedeco.javacpp.maxPhysicalBytes", "0");
        if (Libtorch.class.getClassLoader().getResource("org/bytedeco/mkl/global/mkl_rt.class") != null) {
            setDefault(MATHS, "mkl");
            // MKL brings an OpenMP runtime of its own; two of them in one process keep each other's threads
            // waiting.
            Environment.setDefault("MKL_THREADING_LAYER", "GNU");
            if (OPENBLAS.equals(System.getProperty(MATHS)) && System.getProperty(OTHER_CACHE) == null) {
                // Both go by one file name in JavaCPP's folder: a process would take it from another that loads.
                setDefault(CACHE, System.getProperty("user.home") + "/.javacpp/openblas");
            }
        }
        if (OPENBLAS.equals(System.getProperty(MATHS, OPENBLAS))) {
            // It has threads of its own, which libtorch's number does not reach.
            threads().ifPresent(number -> Environment.setDefault("OPENBLAS_NUM_THREADS", Integer.toString(number)));
        }
    }

    private static void setDefault(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    /// The folder of native libraries, under the settings of [Libtorch].
    static NativeCache cache() {
        boolean chosen = System.getProperty(CACHE) != null || System.getProperty(OTHER_CACHE) != null;
        setDefaults();
        @Nullable String named = System.getProperty(CACHE, System.getProperty(OTHER_CACHE));
        try {
            File folder = Loader.getCacheDir();
            // JavaCPP takes another one when it cannot write there
            if (chosen && named != null && !folder.equals(new File(named).getCanonicalFile())) {
                throw new InvalidRequestException(
                        CACHE, "'%s' cannot be made or written; name a folder of your own".formatted(named));
            }
            List<Path> jars = UNPACKED.stream()
                    .map(file -> "org/bytedeco/" + file.formatted(Loader.getPlatform()))
                    .flatMap(file -> jar(file).stream())
                    .toList();
            String build = jars.isEmpty() ? "" : "-" + jars.getLast().getFileName();
            return new NativeCache(
                    folder.toPath(),
                    System.getProperty(MATHS, OPENBLAS) + build,
                    jars,
                    Libtorch::libraries,
                    notice -> System.getLogger("io.stencil").log(System.Logger.Level.WARNING, VisibleText.of(notice)));
        } catch (IOException e) {
            throw new InvalidRequestException(
                    CACHE,
                    "no folder for native libraries can be written, neither in the home nor in the temporary folder; name one"
                            + " with -D%s=DIR (STENCIL_JAVA_OPTS)".formatted(CACHE));
        }
    }

    /// Empty where the user chose JavaCPP's layout without folders.
    static List<NativeLibrary> libraries() {
        boolean flat = !System.getProperty(FLAT_CACHE, "false").equalsIgnoreCase("false");
        return flat ? List.of() : NativeLibrary.of(List.of(torch.class, torch_gloo.class));
    }

    /// The jar of a resource, where it is a file of its own.
    private static Optional<Path> jar(String resource) {
        @Nullable URL url = Libtorch.class.getClassLoader().getResource(resource);
        return url == null ? Optional.empty() : NativeLibrary.library(url).map(NativeLibrary::jar);
    }

    private static final class Loaded {
        static {
            // NNPACK takes small convolutions on the machines that it knows, and warns of each on the others: without
            // it, all machines compute them in one way, in silence.
            torch.globalContext().setUserEnabledNNPACK(false);
            FreedBlocks.keep();
            threads().ifPresentOrElse(torch::set_num_threads, torch::get_num_threads);
        }

        static void ensure() {}
    }

    /// Raises the thresholds from which on glibc's allocator returns freed memory to the system.
    ///
    /// At its own thresholds the system clears memory of each pass anew: a twentieth of the time of a training step.
    /// Variables of the environment take precedence. Other C libraries have no `mallopt`, and nothing changes.
    static final class FreedBlocks {

        /// Bytes from which on a block is mapped by itself, and returned when it is freed. Two blocks of this size do
        /// not fit into a heap of glibc, which has 64 MiB: with a higher threshold much of each would lie idle.
        private static final int LARGEST_KEPT = 32 << 20;

        /// Free bytes at the end of a heap that are not returned.
        private static final int KEPT = 1 << 30;

        private static final int TRIM_THRESHOLD = -1; // M_TRIM_THRESHOLD of malloc.h
        private static final int MAP_THRESHOLD = -3; // M_MMAP_THRESHOLD

        private FreedBlocks() {}

        static void keep() {
            if (System.getenv("GLIBC_TUNABLES") == null) {
                set("MALLOC_MMAP_THRESHOLD_", MAP_THRESHOLD, LARGEST_KEPT);
                set("MALLOC_TRIM_THRESHOLD_", TRIM_THRESHOLD, KEPT);
            }
        }

        private static void set(String variable, int parameter, int value) {
            if (System.getenv(variable) == null) {
                CLibrary.call("mallopt", parameter, value);
            }
        }
    }

    /// Environment variables of this process, which native libraries read when they are loaded.
    static final class Environment {

        private Environment() {}

        /// Sets a variable that is not set; does nothing on systems without POSIX `setenv`.
        static void setDefault(String name, String value) {
            if (System.getenv(name) != null) {
                return;
            }
            try (Arena arena = Arena.ofConfined()) {
                OptionalInt failed = CLibrary.call("setenv", arena.allocateFrom(name), arena.allocateFrom(value), 0);
                if (failed.orElse(0) != 0) {
                    throw new IllegalStateException("the environment variable " + name + " cannot be set");
                }
            }
        }
    }

    /// Calls functions of the system's C library that return an int.
    private static final class CLibrary {

        private CLibrary() {}

        /// @param arguments ints and addresses
        /// @return empty where the library has no function of that name
        static OptionalInt call(String function, Object... arguments) {
            Linker linker = Linker.nativeLinker();
            Optional<MemorySegment> address = linker.defaultLookup().find(function);
            if (address.isEmpty()) {
                return OptionalInt.empty();
            }
            MemoryLayout[] types = Stream.of(arguments)
                    .map(argument -> argument instanceof MemorySegment ? ValueLayout.ADDRESS : ValueLayout.JAVA_INT)
                    .toArray(MemoryLayout[]::new);
            MethodHandle call =
                    linker.downcallHandle(address.get(), FunctionDescriptor.of(ValueLayout.JAVA_INT, types));
            try {
                return OptionalInt.of((int) call.invokeWithArguments(arguments));
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException(function + " threw", e);
            }
        }
    }
}
