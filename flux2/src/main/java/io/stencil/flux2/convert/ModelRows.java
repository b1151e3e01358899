package io.stencil.flux2.convert;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.gguf.BlockType;
import io.stencil.nn.WeightLoader;
import io.stencil.safetensors.TensorSource;
import io.stencil.safetensors.TensorWriter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.WeightValues;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.FloatBuffer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Values of a model's tensor, which are widened and written some rows at a time.
///
/// @param swapped whether the second half of the rows comes first
record ModelRows(TensorSource source, String name, boolean swapped) {

    /// Takes some rows; they are gone when it returns.
    @FunctionalInterface
    private interface Use {
        void accept(Tensor rows) throws IOException;
    }

    /// Writes the rows of tensors one behind the other in another dtype.
    static void write(List<ModelRows> tensors, DType dtype, TensorWriter.Sink sink) throws IOException {
        for (ModelRows tensor : tensors) {
            tensor.forEach(dtype == DType.FLOAT64 ? dtype : DType.FLOAT32, rows -> {
                Tensor cast = dtype.cast(rows).contiguous();
                if (!Tensors.isFinite(cast) && Tensors.isFinite(rows)) {
                    throw tensor.fault("has values beyond %s; use --dtype %s"
                            .formatted(dtype.text(), dtype == DType.FLOAT16 ? "bfloat16" : "float32"));
                }
                sink.accept(TensorFiles.bytes(cast));
            });
        }
    }

    /// Writes the rows of matrices one behind the other in blocks.
    static void writeBlocks(List<ModelRows> tensors, BlockType type, TensorWriter.Sink sink) throws IOException {
        for (ModelRows tensor : tensors) {
            tensor.forEach(DType.FLOAT32, rows -> {
                tensor.requireFinite(rows);
                byte[] blocks = new byte[Math.toIntExact(rows.numel() / type.elements() * type.bytes())];
                type.narrow(TensorFiles.bytes(rows.contiguous()), MemorySegment.ofArray(blocks));
                sink.accept(MemorySegment.ofArray(blocks));
            });
        }
    }

    /// Returns the values of a small tensor; none when it is not there.
    static float[] floats(TensorSource source, String name) {
        if (!source.entries().containsKey(name)) {
            return new float[0];
        }
        try (Scope _ = new Scope()) {
            return Tensors.toFloats(DType.FLOAT32.cast(TensorFiles.view(source, name)));
        }
    }

    /// Matrices one behind the other in float8 E4M3, whose largest magnitude, of all or of each row, is 448.
    static final class Float8 {

        private static final float LARGEST = 448;

        private final List<ModelRows> tensors;
        private final boolean byRow;
        private float @Nullable [] scales;

        Float8(List<ModelRows> tensors, boolean byRow) {
            this.tensors = tensors;
            this.byRow = byRow;
        }

        void write(TensorWriter.Sink sink) throws IOException {
            long[] row = {0};
            try (Scope _ = new Scope()) {
                Tensor all = Tensors.of(scales(), scales().length, 1);
                for (ModelRows tensor : tensors) {
                    tensor.forEach(DType.FLOAT32, rows -> {
                        Tensor own = byRow ? all.narrow(0, row[0], rows.size(0)) : all;
                        row[0] += rows.size(0);
                        sink.accept(TensorFiles.bytes(
                                DType.FLOAT8_E4M3FN.cast(rows.div(own)).contiguous()));
                    });
                }
            }
        }

        /// Writes one scale, or one for each row, in float32.
        void writeScale(TensorWriter.Sink sink) throws IOException {
            sink.accept(MemorySegment.ofArray(scales()));
        }

        private float[] scales() throws IOException {
            float[] known = scales;
            if (known == null) {
                known = computed();
                scales = known;
            }
            return known;
        }

        private float[] computed() throws IOException {
            FloatBuffer largest = FloatBuffer.allocate(rowCount());
            for (ModelRows tensor : tensors) {
                tensor.forEach(DType.FLOAT32, rows -> {
                    tensor.requireFinite(rows);
                    long[] columns = {1};
                    largest.put(Tensors.toFloats(rows.amax(columns, false)
                            .maximum(rows.amin(columns, false).neg())));
                });
            }
            float[] rows = largest.array();
            float[] computed = byRow ? rows : new float[1];
            for (int i = 0; i < rows.length; i++) {
                int at = byRow ? i : 0;
                computed[at] = Math.max(computed[at], rows[i]);
            }
            for (int i = 0; i < computed.length; i++) {
                computed[i] = Math.max(computed[i] / LARGEST, Float.MIN_NORMAL);
            }
            return computed;
        }

        private int rowCount() {
            long rows = 0;
            for (ModelRows tensor : tensors) {
                rows += tensor.source.entry(tensor.name).shape().getFirst();
            }
            return Math.toIntExact(rows);
        }
    }

    /// Widens the rows in their order.
    private void forEach(DType dtype, Use use) throws IOException {
        try (Scope _ = new Scope()) {
            WeightValues values = WeightLoader.values(source, name);
            if (swapped) {
                use.accept(Ops.cat(0, Ops.chunk(values.in(dtype), 2, 0).reversed()));
            } else if (values.shape().length == 2 && values.shape()[1] > 0) {
                forEachPart(values, dtype, use);
            } else {
                use.accept(values.in(dtype));
            }
        }
        source.dropPages(name);
    }

    private static void forEachPart(WeightValues values, DType dtype, Use use) throws IOException {
        try {
            values.forEachPart(dtype, part -> {
                try {
                    acceptPieces(
                            part.scale() == null
                                    ? part.values()
                                    : part.values().mul(part.scale().unsqueeze(1)),
                            use);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /// Hands on rows some at a time: those of a matrix that need not be widened come all at once.
    private static void acceptPieces(Tensor rows, Use use) throws IOException {
        long atOnce = Math.max(1, WeightValues.PART_ELEMENTS / rows.size(1));
        for (long row = 0; row < rows.size(0); row += atOnce) {
            try (Scope _ = new Scope()) {
                use.accept(rows.narrow(0, row, Math.min(atOnce, rows.size(0) - row)));
            }
        }
    }

    private void requireFinite(Tensor rows) {
        if (!Tensors.isFinite(rows)) {
            throw fault("holds values that are not finite (NaN or infinity) and cannot be quantized");
        }
    }

    private InvalidFileException fault(String what) {
        return new InvalidFileException(new Location(source.origin(name), null, source.fileName(name)), what);
    }
}
