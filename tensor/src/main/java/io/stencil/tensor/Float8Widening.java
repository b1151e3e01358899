package io.stencil.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.pytorch.Tensor;

/// Widens float8 on the CPU through a table of its 256 values, which libtorch itself casts, so that the results are
/// libtorch's to the last bit; its own cast of large tensors takes several times as long.
final class Float8Widening {

    /// Elements that a thread widens at once, so that they stay in its core's cache.
    private static final int ELEMENTS_AT_ONCE = 16 << 10;

    private static final Map<Cast, Table> TABLES = new ConcurrentHashMap<>();

    private Float8Widening() {}

    /// Copies values into a tensor of another dtype, as `to.copy_(from)` does.
    ///
    /// @param to contiguous, of the shape of `from`
    /// @return `to`
    static Tensor copy(Tensor from, Tensor to) {
        Cast cast = new Cast(DType.of(from), DType.of(to));
        boolean here = Device.of(from).equals(Device.CPU) && Device.of(to).equals(Device.CPU);
        if (!here || !cast.hasTable() || !from.is_contiguous() || from.numel() == 0) {
            return to.copy_(from);
        }
        Table table = TABLES.computeIfAbsent(cast, Cast::table);
        MemorySegment narrow = TensorFiles.bytes(from);
        MemorySegment wide = TensorFiles.bytes(to);
        long count = from.numel();
        int size = cast.to.bytes();
        Shares.forEach(
                count,
                count / ELEMENTS_AT_ONCE,
                (first, some) -> table.widen(narrow.asSlice(first, some), wide.asSlice(first * size, some * size)));
        return to;
    }

    /// Returns values of float8 in `dtype`.
    static Tensor cast(Tensor values, DType dtype) {
        return copy(values, Tensors.empty(dtype, Device.of(values), Tensors.shape(values)));
    }

    private record Cast(DType from, DType to) {

        boolean hasTable() {
            return from.isFloat8() && to.isFloatingPoint() && (to.bytes() == 2 || to.bytes() == 4);
        }

        Table table() {
            try (Scope _ = new Scope()) {
                byte[] all = new byte[256];
                for (int i = 0; i < all.length; i++) {
                    all[i] = (byte) i;
                }
                Tensor values = Tensors.ofBytes(all, all.length).view(from.scalarType());
                MemorySegment bits = TensorFiles.bytes(to.cast(values));
                return to.bytes() == 2
                        ? new Table.Shorts(bits.toArray(ValueLayout.JAVA_SHORT_UNALIGNED))
                        : new Table.Ints(bits.toArray(ValueLayout.JAVA_INT_UNALIGNED));
            }
        }
    }

    /// Bits of the 256 values in a wider dtype.
    private sealed interface Table {

        /// @param count elements of both
        void look(byte[] narrow, int count, MemorySegment wide);

        int bytes();

        /// @param wide room for as many elements as `narrow` has
        default void widen(MemorySegment narrow, MemorySegment wide) {
            byte[] some = new byte[ELEMENTS_AT_ONCE];
            for (long at = 0; at < narrow.byteSize(); at += ELEMENTS_AT_ONCE) {
                int count = (int) Math.min(ELEMENTS_AT_ONCE, narrow.byteSize() - at);
                MemorySegment.copy(narrow, ValueLayout.JAVA_BYTE, at, some, 0, count);
                look(some, count, wide.asSlice(at * bytes(), (long) count * bytes()));
            }
        }

        final class Ints implements Table {
            private final int[] bits;

            Ints(int[] bits) {
                this.bits = bits;
            }

            @Override
            public void look(byte[] narrow, int count, MemorySegment wide) {
                for (int i = 0; i < count; i++) {
                    wide.setAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i, bits[narrow[i] & 255]);
                }
            }

            @Override
            public int bytes() {
                return Integer.BYTES;
            }
        }

        final class Shorts implements Table {
            private final short[] bits;

            Shorts(short[] bits) {
                this.bits = bits;
            }

            @Override
            public void look(byte[] narrow, int count, MemorySegment wide) {
                for (int i = 0; i < count; i++) {
                    wide.setAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, i, bits[narrow[i] & 255]);
                }
            }

            @Override
            public int bytes() {
                return Short.BYTES;
            }
        }
    }
}
