package io.stencil.flux2.convert;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.convert.ModelTarget.Dialect;
import io.stencil.flux2.files.LoraConverter;
import io.stencil.flux2.files.LoraFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Converts files by what they hold: a LoRA, or parts of a base model.
public final class Conversion {

    /// Endings of files of weights that are not written, or are written otherwise; none is meant as a folder's name.
    private static final Pattern OTHER_FILES =
            Pattern.compile("(?i).*\\.(?:bin|ckpt|pth?|sft|onnx|npz|safetensors?|gguf|safetensors\\.index\\.json)");

    private Conversion() {}

    /// Result of a conversion, for people.
    ///
    /// @param lines one for each part that was written
    /// @param warnings one for each thing that was left out
    public record Report(List<String> lines, List<String> warnings) {

        public Report {
            lines = List.copyOf(lines);
            warnings = List.copyOf(warnings);
        }
    }

    /// Shows how far a conversion is.
    @FunctionalInterface
    public interface Progress {

        /// @param written bytes of tensors
        /// @param total bytes of all tensors of the file
        void show(long written, long total);
    }

    /// Converts a file, a shard index, a part's folder, a folder in Hugging Face layout, or a LoRA.
    ///
    /// @param out a file that ends in `.safetensors` or `.gguf`, which appears when it is whole; else a folder
    /// @throws io.stencil.error.InvalidRequestException when the target does not apply, or is there already
    /// @throws io.stencil.error.InvalidFileException when the source is broken, not whole, or cannot be converted so
    /// @throws IOException when the result cannot be written; nothing is left of it then
    public static Report run(Path in, Path out, ModelTarget target, Progress progress) throws IOException {
        if (!ModelConverter.isFile(out) && OTHER_FILES.matcher(out.toString()).matches()) {
            throw new InvalidRequestException(
                    "OUT", "'%s' must end in .safetensors or .gguf, or name a directory".formatted(out));
        }
        return LoraConverter.isLora(in) ? lora(in, out, target) : new ModelConverter(target, progress).convert(in, out);
    }

    private static Report lora(Path in, Path out, ModelTarget target) throws IOException {
        if (target.quantization() != null || target.part() != null) {
            throw new InvalidRequestException(
                    target.part() != null ? "part" : "quantize", "does not apply to a LoRA; '%s' is one".formatted(in));
        }
        LoraFormat format = format(target.dialect());
        boolean named = out.toString().endsWith(".safetensors");
        if (named == (format == null)) {
            throw new InvalidRequestException(
                    "OUT",
                    format == null
                            ? "'%s' must be a directory: PEFT's LoRAs are one".formatted(out)
                            : "'%s' must end in .safetensors".formatted(out));
        }
        ModelConverter.requireFree(out, target.overwrite());
        LoraConverter.Result result = LoraConverter.convert(in, out, format, target.dtype());
        List<String> warnings = result.leftOut().isEmpty()
                ? List.of()
                : List.of("%s: %s layers of a text encoder are left out, as FLUX.2 LoRAs update the transformer alone"
                        .formatted(in, result.leftOut().size()));
        String names = format == null ? "peft" : format.option();
        return new Report(
                List.of("wrote %s: %s of %s layers, %s names".formatted(out, result.kinds(), result.layers(), names)),
                warnings);
    }

    /// @return null for a PEFT folder
    private static @Nullable LoraFormat format(@Nullable Dialect dialect) {
        String expected = "expected diffusers, comfyui, kohya or peft for a LoRA";
        return switch (dialect) {
            case DIFFUSERS -> LoraFormat.DIFFUSERS;
            case COMFYUI -> LoraFormat.COMFYUI;
            case KOHYA -> LoraFormat.KOHYA;
            case PEFT -> null;
            case BFL ->
                throw new InvalidRequestException(
                        "to", expected + "; comfyui has BFL's layers behind diffusion_model.");
            case null -> throw new InvalidRequestException("to", "is missing; " + expected);
        };
    }
}
