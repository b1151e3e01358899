package io.stencil.flux2.convert;

import io.stencil.gguf.BlockType;
import io.stencil.gguf.GgufFile;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Quantizations of the weights of linear layers that can be written.
public enum Quantization {
    /// E4M3 with one scale for each weight, which ComfyUI reads.
    FLOAT8(null, -1),
    /// E4M3 with one scale for each row: a smaller error.
    FLOAT8_ROWS(null, -1),
    Q8_0(BlockType.Q8_0, 7),
    Q4_0(BlockType.Q4_0, 2),
    Q5_1(BlockType.Q5_1, 9);

    private final @Nullable BlockType blocks;
    private final int fileType;

    /// @param fileType number of llama.cpp's `general.file_type`
    Quantization(@Nullable BlockType blocks, int fileType) {
        this.blocks = blocks;
        this.fileType = fileType;
    }

    /// Returns the name in options, such as `float8_rows` or `q8_0`.
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// Returns the type of a GGUF file's blocks; empty for float8.
    Optional<BlockType> blocks() {
        return Optional.ofNullable(blocks);
    }

    int fileType() {
        return fileType;
    }

    /// Returns the ending of the names of files with this quantization.
    String suffix() {
        return blocks == null ? ".safetensors" : GgufFile.SUFFIX;
    }
}
