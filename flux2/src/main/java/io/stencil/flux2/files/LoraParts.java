package io.stencil.flux2.files;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.flux2.files.LoraKey.Kind;
import io.stencil.flux2.files.LoraKey.Part;
import io.stencil.nn.LayerUpdate;
import io.stencil.nn.LayerUpdate.Additive;
import io.stencil.nn.LayerUpdate.Axis;
import io.stencil.nn.LayerUpdate.Dora;
import io.stencil.nn.LayerUpdate.Kronecker;
import io.stencil.nn.LayerUpdate.Whole;
import io.stencil.nn.LoraPair;
import io.stencil.safetensors.TensorLayout.Change;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.Tensor;

/// Tensors that a file holds for the update of one of its layers.
final class LoraParts {

    /// Form of the updates in memory.
    ///
    /// @param strength factor of the update
    /// @param scaling for a layer without `alpha`
    record Form(double strength, LoraScaling scaling, DType dtype, Device device) {}

    /// @param name of the tensor in the file, for messages
    private record Stored(String name, Tensor tensor) {}

    private static final List<Part> HADAMARD = List.of(Part.HADA_W1_A, Part.HADA_W1_B, Part.HADA_W2_A, Part.HADA_W2_B);

    private final Path file;
    private final String layer;
    private final Map<Part, Stored> parts = new EnumMap<>(Part.class);

    /// @param layer name without the prefix of a tool
    LoraParts(Path file, String layer) {
        this.file = file;
        this.layer = layer;
    }

    /// @throws InvalidFileException when the part was there already, under a name that means the same
    void put(Part part, String name, Tensor tensor) {
        Stored before = parts.putIfAbsent(part, new Stored(name, tensor));
        if (before != null) {
            throw fault(name, "is the same part of the same layer as '%s'; keep one of them".formatted(before.name));
        }
    }

    boolean has(Part part) {
        return parts.containsKey(part);
    }

    /// Kind of the update, such as `LoRA` or `DoRA`.
    String title() {
        return kind().title(has(Part.MAGNITUDE));
    }

    /// @throws InvalidFileException when a matrix is missing, or there are matrices of two kinds
    Kind kind() {
        List<Kind> kinds = parts.keySet().stream()
                .map(Part::kind)
                .filter(kind -> kind != Kind.ANY)
                .distinct()
                .toList();
        if (kinds.size() > 1) {
            throw layerFault("has factors of %s at once: %s"
                    .formatted(
                            kinds.stream().map(Kind::title).collect(Collectors.joining(" and ")),
                            parts.values().stream().map(Stored::name).collect(Collectors.joining(", "))));
        }
        if (kinds.isEmpty()) {
            throw layerFault("has neither lora_A and lora_B nor other factors, found only "
                    + parts.values().stream().map(Stored::name).collect(Collectors.joining(", ")));
        }
        Kind kind = kinds.getFirst();
        switch (kind) {
            case LORA -> {
                if (!has(Part.A) || !has(Part.B)) {
                    throw layerFault("has only one of lora_A and lora_B");
                }
            }
            case LOKR -> {
                requireFactor("lokr_w1", Part.LOKR_W1, Part.LOKR_W1_A, Part.LOKR_W1_B);
                requireFactor("lokr_w2", Part.LOKR_W2, Part.LOKR_W2_A, Part.LOKR_W2_B);
            }
            case LOHA -> {
                if (!parts.keySet().containsAll(HADAMARD)) {
                    throw layerFault("lacks one of hada_w1_a, hada_w1_b, hada_w2_a and hada_w2_b");
                }
            }
            case ANY -> throw new IllegalStateException("is no kind of factors");
        }
        return kind;
    }

    /// A factor is there whole or as two matrices.
    private void requireFactor(String name, Part whole, Part a, Part b) {
        boolean split = has(a) && has(b);
        if (has(whole) ? has(a) || has(b) : !split) {
            throw layerFault("must have %s, or %s_a and %s_b".formatted(name, name, name));
        }
    }

    /// Updates of the model's layers that the file's layer holds.
    ///
    /// @return by the model's names
    /// @throws InvalidFileException when a part is no floating-point matrix of rank 1 or more or does not fit its
    ///     layer, alpha not one number, or a value not finite, also after scaling
    Map<String, LayerUpdate> updates(LoraLayers.Found found, Form form) {
        boolean decomposed = has(Part.MAGNITUDE);
        Additive whole = additive(form, decomposed ? 1 : form.strength);
        whole.misfit(found.rows(), found.columns()).ifPresent(fault -> {
            throw layerFault(fault);
        });
        Map<String, Additive> changes = new LinkedHashMap<>();
        for (LoraLayers.Target target : found.targets()) {
            changes.put(target.name(), part(whole, target.rows(), found.rows()));
        }
        return decomposed ? decomposed(found, changes, form) : new LinkedHashMap<>(changes);
    }

    private Additive additive(Form form, double strength) {
        return switch (kind()) {
            case LORA -> pair(form, strength);
            case LOKR -> kronecker(form, strength);
            case LOHA -> hadamard(form, strength);
            case ANY -> throw new IllegalStateException("is no kind of factors");
        };
    }

    /// @param rows of the file's layer
    private static Additive part(Additive whole, Change change, long rows) {
        return switch (change) {
            case Change.RowShare share -> whole.rows(share.index() * (rows / share.count()), rows / share.count());
            case Change.SwappedHalves _ -> swapped(whole, rows / 2);
            case Change.None _, Change.Squeezed _ -> whole;
        };
    }

    private static Additive swapped(Additive whole, long half) {
        if (whole instanceof LoraPair(Tensor a, Tensor b)) {
            return new LoraPair(a, Ops.cat(0, b.narrow(0, half, half), b.narrow(0, 0, half)));
        }
        DType dtype = DType.of(whole.tensors().getFirst());
        return new Whole(dtype.cast(Ops.cat(0, whole.built(half, half), whole.built(0, half))));
    }

    private LoraPair pair(Form form, double strength) {
        Tensor a = matrix(Part.A, "[r, in]", 0);
        Tensor b = matrix(Part.B, "[out, r]", 1);
        double scale = scale(form, a.size(0));
        Tensor down = form.device.place(a, form.dtype);
        requireFinite(down, Part.A, scale);
        Tensor up = form.device.place(Ops.mul(DType.FLOAT32.cast(b), factor(Part.B, strength, scale)), form.dtype);
        requireFinite(up, Part.B, scale);
        return new LoraPair(down, up);
    }

    private double factor(Part part, double strength, double scale) {
        double factor = strength * scale;
        if (!(Math.abs(factor) <= Float.MAX_VALUE)) {
            throw overflow(stored(part), scale);
        }
        return factor;
    }

    /// The scale is `alpha / rank` where a factor is two matrices, else 1 whatever `alpha` is.
    private Kronecker kronecker(Form form, double strength) {
        boolean splitFirst = has(Part.LOKR_W1_A);
        boolean splitSecond = has(Part.LOKR_W2_A);
        Tensor first = splitFirst
                ? product(Part.LOKR_W1_A, Part.LOKR_W1_B)
                : DType.FLOAT32.cast(matrix(Part.LOKR_W1, "[rows, columns]", 0));
        List<Part> second = splitSecond ? List.of(Part.LOKR_W2_A, Part.LOKR_W2_B) : List.of(Part.LOKR_W2);
        long rank = scaledRank();
        double scale = rank == 0 ? 1 : scale(form, rank);
        Part named = splitFirst ? Part.LOKR_W1_A : Part.LOKR_W1;
        Tensor left = form.device.place(Ops.mul(first, factor(named, strength, scale)), form.dtype);
        requireFinite(left, named, scale);
        List<Tensor> right = new ArrayList<>();
        for (Part part : second) {
            Tensor placed = form.device.place(matrix(part, "[rows, columns]", 0), form.dtype);
            requireFinite(placed, part, scale);
            right.add(placed);
        }
        return Kronecker.of(left, right);
    }

    /// `(w1_a w1_b) * (w2_a w2_b)` has a rank of at most the product of both ranks: where that is small, it is
    /// computed as a pair (the row-wise and the column-wise Kronecker products of the factors), else as a matrix.
    private Additive hadamard(Form form, double strength) {
        long rank1 = requireProduct(Part.HADA_W1_A, Part.HADA_W1_B);
        long rank2 = requireProduct(Part.HADA_W2_A, Part.HADA_W2_B);
        List<Tensor> factors = new ArrayList<>();
        for (Part part : HADAMARD) {
            Tensor factor = DType.FLOAT32.cast(stored(part).tensor);
            requireFinite(factor, part, 1);
            factors.add(factor);
        }
        Tensor a1 = factors.get(0);
        Tensor b1 = factors.get(1);
        Tensor a2 = factors.get(2);
        Tensor b2 = factors.get(3);
        long rows = a1.size(0);
        long columns = b1.size(1);
        if (a2.size(0) != rows || b2.size(1) != columns) {
            throw layerFault("has products of [%s, %s] and [%s, %s], which must be alike to be multiplied"
                    .formatted(rows, columns, a2.size(0), b2.size(1)));
        }
        double scale = scale(form, rank1);
        double factor = factor(Part.HADA_W1_A, strength, scale);
        Additive update;
        if (rank1 * rank2 * (rows + columns) < rows * columns) {
            Tensor up = a1.unsqueeze(2).mul(a2.unsqueeze(1)).reshape(rows, rank1 * rank2);
            Tensor down = b1.unsqueeze(1).mul(b2.unsqueeze(0)).reshape(rank1 * rank2, columns);
            update = new LoraPair(
                    form.device.place(down, form.dtype), form.device.place(Ops.mul(up, factor), form.dtype));
        } else {
            Tensor built = a1.matmul(b1).mul(a2.matmul(b2));
            update = new Whole(form.device.place(Ops.mul(built, factor), form.dtype));
        }
        for (Tensor tensor : update.tensors()) {
            if (!Tensors.isFinite(tensor)) {
                throw overflow(stored(Part.HADA_W1_A), scale);
            }
        }
        return update;
    }

    /// The product of two matrices of a file, float32.
    private Tensor product(Part a, Part b) {
        requireProduct(a, b);
        return DType.FLOAT32.cast(stored(a).tensor).matmul(DType.FLOAT32.cast(stored(b).tensor));
    }

    /// @return the rank
    private long requireProduct(Part a, Part b) {
        Tensor first = matrix(a, "[rows, r]", 1);
        Tensor second = matrix(b, "[r, columns]", 0);
        if (first.size(1) != second.size(0)) {
            throw fault(
                    stored(b).name,
                    "has rank %s, expected %s, the rank of '%s'"
                            .formatted(second.size(0), first.size(1), stored(a).name));
        }
        return first.size(1);
    }

    private Map<String, LayerUpdate> decomposed(LoraLayers.Found found, Map<String, Additive> changes, Form form) {
        Tensor stored = magnitude();
        long[] shape = Tensors.shape(stored);
        boolean byRow =
                Arrays.equals(shape, new long[] {found.rows()}) || Arrays.equals(shape, new long[] {found.rows(), 1});
        boolean byColumn = Arrays.equals(shape, new long[] {1, found.columns()});
        if (!byRow && !byColumn) {
            throw fault(
                    stored(Part.MAGNITUDE).name,
                    "must be [%s] or [%s, 1] (a magnitude for each output) or [1, %s] (one for each input), found %s"
                            .formatted(found.rows(), found.rows(), found.columns(), Arrays.toString(shape)));
        }
        Axis axis = byRow ? Axis.OUTPUT : Axis.INPUT;
        Tensor magnitude = form.device.place(stored.reshape(-1), DType.FLOAT32);
        requireFinite(magnitude, Part.MAGNITUDE, 1);
        Map<String, Tensor> squares = new LinkedHashMap<>();
        for (LoraLayers.Target target : found.targets()) {
            squares.put(
                    target.name(),
                    Dora.squaredNorms(
                            target.layer().weight(), Objects.requireNonNull(changes.get(target.name())), axis));
        }
        Tensor all = null; // of all rows of a column, also where the model has them in several layers
        for (Tensor part : squares.values()) {
            all = all == null ? part : all.add(part);
        }
        Map<String, LayerUpdate> updates = new LinkedHashMap<>();
        for (LoraLayers.Target target : found.targets()) {
            Additive change = Objects.requireNonNull(changes.get(target.name()));
            Tensor square = axis == Axis.OUTPUT ? squares.get(target.name()) : all;
            Dora update = Dora.of(
                    change,
                    axis == Axis.OUTPUT ? magnitudes(magnitude, target.rows()) : magnitude,
                    Objects.requireNonNull(square).sqrt(),
                    axis,
                    form.strength);
            if (!Tensors.isFinite(update.factor())) {
                throw overflow(stored(Part.MAGNITUDE), form.strength);
            }
            updates.put(target.name(), update);
        }
        return updates;
    }

    private static Tensor magnitudes(Tensor all, Change change) {
        return switch (change) {
            case Change.RowShare share -> Ops.chunk(all, share.count(), 0).get(share.index());
            case Change.SwappedHalves _ -> Ops.cat(0, Ops.chunk(all, 2, 0).reversed());
            case Change.None _, Change.Squeezed _ -> all;
        };
    }

    private Tensor magnitude() {
        Stored found = stored(Part.MAGNITUDE);
        requireFloatingPoint(found);
        return found.tensor;
    }

    private double scale(Form form, long rank) {
        return scale(form.scaling, rank);
    }

    /// Factor of the product of the matrices.
    double scale(LoraScaling scaling, long rank) {
        return has(Part.ALPHA) ? alpha() / rank : scaling.of(layer, rank);
    }

    /// Rank by which `alpha` is divided; 0 where no factor is split, and the scale is 1 whatever `alpha` is.
    long scaledRank() {
        return switch (kind()) {
            case LORA -> pair().a().size(0);
            case LOKR -> {
                if (has(Part.LOKR_W2_A)) {
                    yield requireProduct(Part.LOKR_W2_A, Part.LOKR_W2_B);
                }
                yield has(Part.LOKR_W1_A) ? requireProduct(Part.LOKR_W1_A, Part.LOKR_W1_B) : 0;
            }
            case LOHA -> requireProduct(Part.HADA_W1_A, Part.HADA_W1_B);
            case ANY -> throw new IllegalStateException("is no kind of factors");
        };
    }

    /// The matrices `A` `[r, in]` and `B` `[out, r]` of a LoRA as the file has them.
    ///
    /// @throws InvalidFileException when they are no floating-point matrices of one rank
    LoraPair pair() {
        Tensor a = matrix(Part.A, "[r, in]", 0);
        Tensor b = matrix(Part.B, "[out, r]", 1);
        if (a.size(0) != b.size(1)) {
            throw layerFault("has lora_A of rank %s and lora_B of rank %s".formatted(a.size(0), b.size(1)));
        }
        return new LoraPair(a, b);
    }

    /// Tensors by their part, as the file has them.
    Map<Part, Tensor> tensors() {
        Map<Part, Tensor> tensors = new EnumMap<>(Part.class);
        parts.forEach((part, stored) -> tensors.put(part, stored.tensor));
        return tensors;
    }

    private void requireFinite(Tensor placed, Part part, double scale) {
        if (Tensors.isFinite(placed)) {
            return;
        }
        Stored stored = stored(part);
        if (Tensors.isFinite(stored.tensor)) {
            throw overflow(stored, scale);
        }
        throw fault(
                stored.name,
                "holds values that are not finite (NaN or infinity): the file is damaged, or its training diverged; use an earlier checkpoint of it");
    }

    private InvalidFileException overflow(Stored stored, double scale) {
        return fault(stored.name, "is beyond the range of numbers after scaling by %s (alpha / rank)".formatted(scale));
    }

    private Tensor matrix(Part part, String shape, int rankAt) {
        Stored found = stored(part);
        Tensor tensor = found.tensor;
        if (tensor.dim() != 2 || tensor.size(rankAt) < 1) {
            throw fault(
                    found.name,
                    "must be %s with a rank r of at least 1, found %s"
                            .formatted(shape, Arrays.toString(Tensors.shape(tensor))));
        }
        requireFloatingPoint(found);
        return tensor;
    }

    private void requireFloatingPoint(Stored found) {
        DType dtype = DType.of(found.tensor);
        if (!dtype.isFloatingPoint()) {
            throw fault(
                    found.name,
                    "is of dtype %s, and a matrix must be floating-point; quantized LoRAs are not supported, use an unquantized one"
                            .formatted(dtype.text()));
        }
    }

    private double alpha() {
        Stored found = stored(Part.ALPHA);
        if (found.tensor.numel() != 1) {
            throw fault(
                    found.name, "must be one number, found %s".formatted(Arrays.toString(Tensors.shape(found.tensor))));
        }
        DType dtype = DType.of(found.tensor);
        if (dtype == DType.COMPLEX64 || dtype == DType.BOOL) {
            throw fault(found.name, "must be a number, found a value of dtype " + dtype.text());
        }
        double alpha = Tensors.toDouble(found.tensor);
        if (!Double.isFinite(alpha)) {
            throw fault(found.name, "must be a finite number, found " + alpha);
        }
        return alpha;
    }

    private Stored stored(Part part) {
        Stored found = parts.get(part);
        if (found == null) {
            throw new IllegalStateException(part + " is missing");
        }
        return found;
    }

    InvalidFileException layerFault(String what) {
        return new InvalidFileException(Location.of(file).field(layer), what);
    }

    private InvalidFileException fault(String name, String what) {
        return new InvalidFileException(Location.of(file).field(name), what);
    }
}
