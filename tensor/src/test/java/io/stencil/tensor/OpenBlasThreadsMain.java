package io.stencil.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas;

/// A Java of its own that loads libtorch and prints how many threads OpenBLAS works on.
final class OpenBlasThreadsMain {

    private OpenBlasThreadsMain() {}

    public static void main(String[] args) throws Throwable {
        Libtorch.load();
        String library = Loader.load(openblas.class);
        try (Arena arena = Arena.ofConfined()) {
            var threads = Linker.nativeLinker()
                    .downcallHandle(
                            SymbolLookup.libraryLookup(library, arena).findOrThrow("openblas_get_num_threads"),
                            FunctionDescriptor.of(ValueLayout.JAVA_INT));
            System.out.println(Libtorch.maths() + " " + (int) threads.invokeExact());
        }
    }
}
