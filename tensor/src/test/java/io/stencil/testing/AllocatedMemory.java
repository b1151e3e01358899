package io.stencil.testing;

import io.stencil.tensor.Libtorch;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// Native blocks of at least 64 KiB that are allocated and not freed, as glibc accounts them (`mallinfo2`): exact,
/// where resident memory depends on what the allocator keeps back, and without the small blocks that the compiler
/// threads of the JVM take and give back meanwhile.
///
/// For tests in a JVM of their own.
public final class AllocatedMemory {

    private static final int FIELDS = 10;
    private static final int MAPPED = 4; // hblkhd
    private static final int FREE = 8; // fordblks
    private static final int MAP_THRESHOLD = -3; // M_MMAP_THRESHOLD
    private static final int TRIM_THRESHOLD = -1; // M_TRIM_THRESHOLD
    private static final int LARGE = 64 << 10;

    private static final StructLayout INFO =
            MemoryLayout.structLayout(MemoryLayout.sequenceLayout(FIELDS, ValueLayout.JAVA_LONG));

    private static final MethodHandle MALLINFO2 = glibc("mallinfo2", FunctionDescriptor.of(INFO));

    private AllocatedMemory() {}

    private static MethodHandle glibc(String function, FunctionDescriptor type) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(function), type);
    }

    /// From now on each such block is mapped by itself, and goes back to the system when it is freed: resident memory
    /// follows what is in use.
    public static void mapLargeBlocks() {
        Libtorch.load(); // which sets thresholds of its own
        MethodHandle mallopt = glibc(
                "mallopt", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
        for (int[] setting : new int[][] {{MAP_THRESHOLD, LARGE}, {TRIM_THRESHOLD, 2 * LARGE}}) {
            int done;
            try {
                done = (int) mallopt.invokeExact(setting[0], setting[1]);
            } catch (Throwable e) {
                throw new IllegalStateException("mallopt failed", e);
            }
            if (done != 1) {
                throw new IllegalStateException("mallopt refused a threshold of " + setting[1]);
            }
        }
    }

    /// Bytes in use, after [#mapLargeBlocks].
    public static long bytes() {
        return field(MAPPED);
    }

    /// Free bytes of heaps, which are not returned to the system.
    public static long freeBytes() {
        return field(FREE);
    }

    private static long field(int index) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = (MemorySegment) MALLINFO2.invokeExact((SegmentAllocator) arena);
            return info.getAtIndex(ValueLayout.JAVA_LONG, index);
        } catch (Throwable e) {
            throw new IllegalStateException("mallinfo2 failed", e);
        }
    }
}
