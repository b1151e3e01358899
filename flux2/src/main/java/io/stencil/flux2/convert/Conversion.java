package io.stencil.flux2.convert;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// Converts files by what they hold: a LoRA, or parts of a base model.
public final class Conversion {

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
        return new ModelConverter(target, progress).convert(in, out);
    }
}
