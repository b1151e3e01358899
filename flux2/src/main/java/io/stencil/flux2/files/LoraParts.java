package io.stencil.flux2.files;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.nn.LoraPair;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;

/// What a file holds of the update of one layer.
final class LoraParts {

    /// @param name of the tensor in the file, for messages
    private record Part(String name, Tensor tensor) {}

    private final Path file;
    private final String layer;
    private final Map<LoraKey.Part, Part> parts = new EnumMap<>(LoraKey.Part.class);

    LoraParts(Path file, String layer) {
        this.file = file;
        this.layer = layer;
    }

    /// @throws InvalidFileException when the part was there already, under a name that means the same
    void put(LoraKey.Part part, String name, Tensor tensor) {
        Part before = parts.putIfAbsent(part, new Part(name, tensor));
        if (before != null) {
            throw fault(name, "is the same part of the same layer as '%s'; keep one of them".formatted(before.name));
        }
    }

    /// @throws InvalidFileException when one matrix is missing
    void requireBoth(Location layer) {
        if (!parts.containsKey(LoraKey.Part.A) || !parts.containsKey(LoraKey.Part.B)) {
            throw new InvalidFileException(layer, "has only one of lora_A and lora_B");
        }
    }

    /// The update, strength and scale in its `b`; both matrices must be there.
    ///
    /// @param scaling for a layer without `alpha`
    /// @throws InvalidFileException when a part is no floating-point matrix of rank 1 or more, alpha not one number,
    ///     or a value not finite, also after scaling
    LoraPair pair(double strength, LoraScaling scaling, DType dtype, Device device) {
        Tensor a = matrix(LoraKey.Part.A, "[r, in]", 0);
        Tensor b = matrix(LoraKey.Part.B, "[out, r]", 1);
        double scale = parts.containsKey(LoraKey.Part.ALPHA) ? alpha() / a.size(0) : scaling.of(layer, a.size(0));
        double factor = strength * scale;
        Tensor down = device.place(a, dtype);
        requireFinite(down, LoraKey.Part.A, scale);
        if (!(Math.abs(factor) <= Float.MAX_VALUE)) {
            throw overflow(part(LoraKey.Part.B), scale);
        }
        Tensor up = device.place(Ops.mul(DType.FLOAT32.cast(b), factor), dtype);
        requireFinite(up, LoraKey.Part.B, scale);
        return new LoraPair(down, up);
    }

    private void requireFinite(Tensor placed, LoraKey.Part part, double scale) {
        if (Tensors.isFinite(placed)) {
            return;
        }
        Part stored = part(part);
        if (Tensors.isFinite(stored.tensor)) {
            throw overflow(stored, scale);
        }
        throw fault(
                stored.name,
                "holds values that are not finite (NaN or infinity): the file is damaged, or its training diverged; use an earlier checkpoint of it");
    }

    private InvalidFileException overflow(Part stored, double scale) {
        return fault(stored.name, "is beyond the range of numbers after scaling by %s (alpha / rank)".formatted(scale));
    }

    private Tensor matrix(LoraKey.Part part, String shape, int rankAt) {
        Part found = part(part);
        Tensor tensor = found.tensor;
        if (tensor.dim() != 2 || tensor.size(rankAt) < 1) {
            throw fault(
                    found.name,
                    "must be %s with a rank r of at least 1, found %s"
                            .formatted(shape, Arrays.toString(Tensors.shape(tensor))));
        }
        DType dtype = DType.of(tensor);
        if (!dtype.isFloatingPoint()) {
            throw fault(
                    found.name,
                    "is of dtype %s, and a matrix must be floating-point; quantized LoRAs are not supported, use an unquantized one"
                            .formatted(dtype.text()));
        }
        return tensor;
    }

    private double alpha() {
        Part found = part(LoraKey.Part.ALPHA);
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

    private Part part(LoraKey.Part part) {
        Part found = parts.get(part);
        if (found == null) {
            throw new IllegalStateException(part + " is missing");
        }
        return found;
    }

    private InvalidFileException fault(String name, String what) {
        return new InvalidFileException(Location.of(file).field(name), what);
    }

    /// Tensors of adapter files that change a layer otherwise than by a low-rank product `B A`. None is supported: a
    /// file that holds one is refused, since without it the result would be another.
    enum AdapterKind {
        DORA("DoRA magnitudes", "(?:lora_magnitude_vector|dora_scale)"),
        LORA_BIAS("biases of LoRA matrices (lora_bias)", "lora_(?:A|B|up|down)(?:\\.[^.]+)?\\.bias"),
        TUCKER("a Tucker core (lora_mid)", "lora_mid"),
        LOHA("LoHa factors", "hada_[a-z0-9_]+"),
        LOKR("LoKr factors", "lokr_[a-z0-9_]+"),
        OFT("OFT rotations", "b?oft_[A-Za-z0-9_]+"),
        GLORA("GLoRA factors", "[ab][12]"),
        IA3("IA3 factors", "(?:ia3_l|on_input)"),
        VERA("VeRA factors", "vera_[A-Za-z_]+"),
        DIFFERENCE("differences of whole weights or biases", "(?:diff(?:_b|_m)?|set_weight|w_norm|b_norm)"),
        EMBEDDING("low-rank updates of an embedding", "lora_embedding_[AB]"),
        RESCALED("scales or shapes beside the matrices", "(?:reshape_weight|rescale|scalar)");

        private final String words;
        private final Pattern name;

        AdapterKind(String words, String ending) {
            this.words = words;
            this.name = Pattern.compile("(?:.+\\.)?" + ending + "(?:\\.[^.]+)?(?:\\.weight)?");
        }

        /// The kind of a tensor that [LoraKey#parse] does not know; empty when its name is none of a known adapter's.
        static Optional<AdapterKind> of(String tensor) {
            return Stream.of(values())
                    .filter(kind -> kind.name.matcher(tensor).matches())
                    .findFirst();
        }

        String words() {
            return words;
        }
    }
}
