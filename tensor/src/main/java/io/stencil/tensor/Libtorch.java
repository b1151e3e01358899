package io.stencil.tensor;

import org.bytedeco.pytorch.global.torch;

/// Loads libtorch once, with the settings that Stencil needs.
///
/// Every entry of the engine calls [#load]. Settings that the user gave as system properties win:
/// `org.bytedeco.openblas.load` picks the maths library (`mkl` when its jar is on the class path, which halves the time
/// of attention), `org.bytedeco.javacpp.maxBytes` and `maxPhysicalBytes` bound native memory (no bound: weights are
/// larger than the Java heap by design), and the environment variable `STENCIL_THREADS` the threads of an operation.
public final class Libtorch {

    private Libtorch() {}

    /// Makes libtorch ready; cheap after the first call.
    ///
    /// @throws UnsatisfiedLinkError when no native build for this platform is on the class path
    public static void load() {
        Loaded.ensure();
    }

    /// True when a CUDA build of libtorch found a GPU.
    public static boolean cudaAvailable() {
        load();
        return torch.cuda_is_available();
    }

    private static final class Loaded {
        static {
            setDefault("org.bytedeco.javacpp.maxBytes", "0");
            setDefault("org.bytedeco.javacpp.maxPhysicalBytes", "0");
            if (Loaded.class.getClassLoader().getResource("org/bytedeco/mkl/global/mkl_rt.class") != null) {
                setDefault("org.bytedeco.openblas.load", "mkl");
                // MKL brings an OpenMP runtime of its own; two of them in one process keep each other's threads
                // waiting.
                Environment.setDefault("MKL_THREADING_LAYER", "GNU");
            }
            String threads = System.getenv("STENCIL_THREADS");
            if (threads != null) {
                torch.set_num_threads(Integer.parseInt(threads));
            } else {
                torch.get_num_threads();
            }
        }

        static void ensure() {}

        private static void setDefault(String property, String value) {
            if (System.getProperty(property) == null) {
                System.setProperty(property, value);
            }
        }
    }
}
