package io.stencil.flux2.convert;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.flux2.files.BaseModelPart;
import io.stencil.flux2.files.PartLayout;
import io.stencil.gguf.BlockType;
import io.stencil.nn.WeightLoader;
import io.stencil.safetensors.SafetensorsDtype;
import io.stencil.safetensors.StoredType;
import io.stencil.safetensors.TensorEntry;
import io.stencil.safetensors.TensorLayout.Change;
import io.stencil.safetensors.TensorLayout.Placement;
import io.stencil.safetensors.TensorSource;
import io.stencil.safetensors.TensorWriter;
import io.stencil.tensor.DType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Tensors of one part of a base model in the layout of a file to write.
///
/// A tensor that is neither quantized nor cast keeps its bytes. Rows of q, k and v are joined part by part.
final class PartTensors {

    private static final String WEIGHT = ".weight";
    private static final String SCALE = ".weight_scale";
    private static final Set<String> SCALES = Set.of(SCALE, ".scale_weight");
    private static final String DESCRIPTION = ".comfy_quant";
    private static final byte[] FLOAT8 = "{\"format\": \"float8_e4m3fn\"}".getBytes(StandardCharsets.UTF_8);
    private static final String MARKER = "scaled_fp8";

    /// Weights that take up nearly all of a model and bear coarse values: the linear layers of blocks.
    private static final Pattern LINEAR = Pattern.compile(
            "(?:single_)?transformer_blocks\\.\\d+\\..+\\.weight|model\\.layers\\.\\d+\\.(?:self_attn|mlp)\\.\\w+_proj\\.weight");

    /// Tables of a text encoder, which GGUF files have in blocks of eight bits at least.
    private static final Set<String> TABLES = Set.of("model.embed_tokens.weight", "lm_head.weight");

    private final TensorSource weights;
    private final PartLayout layout;
    private final ModelTarget target;
    private final boolean gguf;
    private final Set<String> companions;

    /// @param layout of the file to write
    /// @param gguf whether that is a GGUF file
    PartTensors(BaseModelPart part, PartLayout layout, ModelTarget target, boolean gguf) {
        this.weights = part.weights();
        this.layout = layout;
        this.target = target;
        this.gguf = gguf;
        this.companions = Set.copyOf(WeightLoader.companions(weights));
    }

    /// Plans all tensors.
    ///
    /// @throws InvalidFileException when a tensor cannot be in such a file as it is, or parts of a fused one are
    ///     missing or of different types
    List<FileTensor> tensors() {
        Map<String, List<Piece>> groups = new LinkedHashMap<>();
        weights.entries().forEach((name, entry) -> {
            if (!companions.contains(name)) {
                Placement placement = layout.placement(name);
                groups.computeIfAbsent(placement.tensor(), _ -> new ArrayList<>())
                        .add(new Piece(name, entry, placement.change()));
            }
        });
        List<FileTensor> tensors = new ArrayList<>();
        groups.forEach((name, pieces) -> tensors.addAll(tensors(name, pieces)));
        return tensors;
    }

    /// Tensor of a file to write; its bytes are made when it is its turn.
    record FileTensor(String name, StoredType type, List<Long> shape, TensorWriter.Bytes bytes) {

        FileTensor {
            shape = List.copyOf(shape);
        }

        long byteSize() {
            return type.byteSize(shape);
        }
    }

    /// Tensor of the model that is all, or some rows, of a file's.
    private record Piece(String name, TensorEntry entry, Change change) {

        int index() {
            return change instanceof Change.RowShare share ? share.index() : 0;
        }

        int count() {
            return change instanceof Change.RowShare share ? share.count() : 1;
        }
    }

    private List<FileTensor> tensors(String name, List<Piece> unordered) {
        List<Piece> pieces =
                unordered.stream().sorted(Comparator.comparingInt(Piece::index)).toList();
        Piece first = pieces.getFirst();
        if (pieces.size() != first.count()) {
            throw fault(first, "is one of %s parts of '%s', and the others are missing".formatted(first.count(), name));
        }
        if (name.endsWith(MARKER) && (target.quantization() != null || target.dtype() != null)) {
            return List.of(); // it says that all weights are in float8
        }
        List<Long> shape = shape(pieces);
        Quantization quantization = quantization(first.name, shape);
        if (quantization != null) {
            return quantized(name, pieces, shape, quantization);
        }
        StoredType kept = first.entry.dtype();
        DType wide = wideDtype(first, shape);
        if (wide != null) {
            List<ModelRows> rows = rows(pieces);
            return List.of(new FileTensor(name, wide.fileDtype(), shape, sink -> ModelRows.write(rows, wide, sink)));
        }
        for (Piece piece : pieces) {
            if (!piece.entry.dtype().equals(kept)) {
                throw fault(
                        piece,
                        "is %s, but '%s' is %s, and '%s' holds both; add --dtype bfloat16 or --quantize"
                                .formatted(piece.entry.dtype(), first.name, kept, name));
            }
        }
        List<FileTensor> tensors = new ArrayList<>();
        tensors.add(new FileTensor(name, kept, shape, sink -> copy(pieces, sink)));
        tensors.addAll(companions(pieces));
        return tensors;
    }

    private List<Long> shape(List<Piece> pieces) {
        Piece first = pieces.getFirst();
        List<Long> shape = new ArrayList<>(first.entry.shape());
        if (pieces.size() > 1) {
            shape.set(
                    0,
                    pieces.stream()
                            .mapToLong(piece -> piece.entry.shape().getFirst())
                            .sum());
        }
        if (first.change instanceof Change.Squeezed && shape.size() == 2) {
            shape.addAll(List.of(1L, 1L));
        }
        return shape;
    }

    private @Nullable Quantization quantization(String name, List<Long> shape) {
        Quantization wanted = target.quantization();
        if (wanted == null || shape.size() != 2) {
            return null;
        }
        BlockType blocks = wanted.blocks().orElse(null);
        if (blocks == null) {
            return LINEAR.matcher(name).matches() ? wanted : null;
        }
        boolean fits = shape.getLast() % blocks.elements() == 0;
        return !fits
                ? null
                : LINEAR.matcher(name).matches() ? wanted : TABLES.contains(name) ? Quantization.Q8_0 : null;
    }

    /// The dtype to which a tensor is widened or cast; null where it stays as it is.
    private @Nullable DType wideDtype(Piece piece, List<Long> shape) {
        StoredType type = piece.entry.dtype();
        DType own = DType.of(type).orElse(null);
        boolean floating = type instanceof BlockType || (own != null && own.isFloatingPoint());
        if (!floating) {
            if (gguf && !BlockType.isInGguf(type)) {
                throw fault(piece, "is of dtype %s, which GGUF has not; write a safetensors file".formatted(type));
            }
            return null;
        }
        if (gguf && shape.size() < 2) {
            return DType.FLOAT32; // as readers of GGUF expect
        }
        if (target.dtype() != null) {
            return target.dtype() == own ? null : target.dtype();
        }
        boolean fits = gguf ? BlockType.isInGguf(type) : type instanceof SafetensorsDtype;
        boolean blocksFit = !(type instanceof BlockType blocks)
                || (piece.entry.shape().size() == 2 && piece.entry.shape().getLast() % blocks.elements() == 0);
        if (fits && blocksFit) {
            return null;
        }
        if (target.quantization() != null) {
            return DType.BFLOAT16;
        }
        throw fault(
                piece,
                gguf
                        ? "is %s, which GGUF has not; add --quantize q8_0, q5_1 or q4_0, or --dtype bfloat16"
                                .formatted(type)
                        : "is in blocks of %s, which safetensors has not; add --dtype bfloat16 or --quantize float8, or name a .gguf file"
                                .formatted(type));
    }

    private List<ModelRows> rows(List<Piece> pieces) {
        return pieces.stream()
                .map(piece -> new ModelRows(weights, piece.name, piece.change instanceof Change.SwappedHalves))
                .toList();
    }

    private List<FileTensor> quantized(String name, List<Piece> pieces, List<Long> shape, Quantization quantization) {
        List<ModelRows> rows = rows(pieces);
        BlockType blocks = quantization.blocks().orElse(null);
        if (blocks != null) {
            return List.of(new FileTensor(name, blocks, shape, sink -> ModelRows.writeBlocks(rows, blocks, sink)));
        }
        ModelRows.Float8 narrow = new ModelRows.Float8(rows, quantization == Quantization.FLOAT8_ROWS);
        String layer = name.substring(0, name.length() - WEIGHT.length());
        List<Long> scaleShape = quantization == Quantization.FLOAT8_ROWS ? List.of(shape.getFirst()) : List.of();
        return List.of(
                new FileTensor(name, SafetensorsDtype.F8_E4M3, shape, narrow::write),
                new FileTensor(layer + SCALE, SafetensorsDtype.F32, scaleShape, narrow::writeScale),
                new FileTensor(
                        layer + DESCRIPTION,
                        SafetensorsDtype.U8,
                        List.of((long) FLOAT8.length),
                        sink -> sink.accept(MemorySegment.ofArray(FLOAT8))));
    }

    private void copy(List<Piece> pieces, TensorWriter.Sink sink) throws IOException {
        for (Piece piece : pieces) {
            MemorySegment bytes = weights.segment(piece.name);
            if (piece.change instanceof Change.SwappedHalves) {
                long half = bytes.byteSize() / 2;
                sink.accept(bytes.asSlice(half));
                sink.accept(bytes.asSlice(0, half));
            } else {
                sink.accept(bytes);
            }
            weights.dropPages(piece.name);
        }
    }

    /// What lies beside weights in float8: scales and the like. Parts with different scales have one for each row.
    private List<FileTensor> companions(List<Piece> pieces) {
        Set<String> suffixes = new LinkedHashSet<>();
        for (Piece piece : pieces) {
            for (String companion : companions) {
                int dot = companion.lastIndexOf('.');
                if (piece.name.equals(companion.substring(0, dot) + WEIGHT)) {
                    suffixes.add(companion.substring(dot));
                }
            }
        }
        List<FileTensor> tensors = new ArrayList<>();
        for (String suffix : suffixes) {
            String name = layout.placement(companion(pieces.getFirst(), suffix)).tensor();
            List<byte[]> contents = pieces.stream()
                    .map(piece -> weights.entries().get(companion(piece, suffix)))
                    .filter(Objects::nonNull)
                    .map(entry -> weights.segment(entry.name()).toArray(ValueLayout.JAVA_BYTE))
                    .toList();
            TensorEntry first = weights.entries().get(companion(pieces.getFirst(), suffix));
            boolean alike = contents.size() == pieces.size()
                    && contents.stream().allMatch(content -> Arrays.equals(content, contents.getFirst()));
            boolean byRow = first != null && SCALES.contains(suffix) && first.elementCount() > 1;
            boolean inOrder = pieces.size() == 1 && !(pieces.getFirst().change instanceof Change.SwappedHalves);
            if (first != null && alike && (!byRow || inOrder)) {
                tensors.add(new FileTensor(
                        name,
                        first.dtype(),
                        first.shape(),
                        sink -> sink.accept(MemorySegment.ofArray(contents.getFirst()))));
            } else if (SCALES.contains(suffix)) {
                float[] scales = scales(pieces, suffix);
                tensors.add(new FileTensor(
                        name,
                        SafetensorsDtype.F32,
                        List.of((long) scales.length),
                        sink -> sink.accept(MemorySegment.ofArray(scales))));
            }
        }
        return tensors;
    }

    private float[] scales(List<Piece> pieces, String suffix) {
        float[] scales = new float[Math.toIntExact(shape(pieces).getFirst())];
        int row = 0;
        for (Piece piece : pieces) {
            int rows = Math.toIntExact(piece.entry.shape().getFirst());
            float[] own = ModelRows.floats(weights, companion(piece, suffix));
            int begin = piece.change instanceof Change.SwappedHalves ? rows / 2 : 0;
            for (int i = 0; i < rows; i++) {
                scales[row++] = own.length == 0 ? 1 : own[own.length == 1 ? 0 : (begin + i) % rows];
            }
        }
        return scales;
    }

    private static String companion(Piece piece, String suffix) {
        return piece.name.substring(0, piece.name.length() - WEIGHT.length()) + suffix;
    }

    private InvalidFileException fault(Piece piece, String what) {
        return new InvalidFileException(
                new Location(weights.origin(piece.name), null, weights.fileName(piece.name)), what);
    }
}
