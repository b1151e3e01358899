package io.stencil.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.safetensors.TensorLayout.Change;
import io.stencil.safetensors.TensorLayout.Placement;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorLayoutTest {

    @TempDir
    Path folder;

    /// A matrix `m` of six rows of two bytes, 0 to 11, a kernel `k` of shape [2, 3, 1, 1], and `n` of six numbers of
    /// half a byte.
    private SafetensorsFile file() throws IOException {
        Path path = folder.resolve("file.safetensors");
        SafetensorsWriter.write(
                path,
                List.of(
                        new TensorSpec("m", SafetensorsDtype.U8, List.of(6L, 2L)),
                        new TensorSpec("k", SafetensorsDtype.U8, List.of(2L, 3L, 1L, 1L)),
                        new TensorSpec("n", SafetensorsDtype.F4, List.of(6L, 1L))),
                (spec, sink) -> {
                    byte[] bytes = new byte[(int) spec.dtype().byteSize(spec.shape())];
                    for (int i = 0; i < bytes.length; i++) {
                        bytes[i] = (byte) i;
                    }
                    sink.accept(MemorySegment.ofArray(bytes));
                },
                Map.of("format", "pt"));
        return SafetensorsFile.open(path);
    }

    private static TensorLayout layout(TensorSource source, Map<String, Placement> placements) {
        return new TensorLayout(source, placements, "other names", name -> "their." + name);
    }

    private static byte[] bytes(TensorSource source, String name) {
        return source.segment(name).toArray(ValueLayout.JAVA_BYTE);
    }

    @Test
    void rowsAreViewsOfTheMappedFile() throws IOException {
        SafetensorsFile file = file();
        try (TensorLayout layout = layout(
                file,
                Map.of(
                        "second", new Placement("m", new Change.RowShare(1, 3)),
                        "all", new Placement("m", Change.NONE)))) {
            assertThat(layout.entry("second").shape()).containsExactly(2L, 2L);
            assertThat(bytes(layout, "second")).containsExactly(4, 5, 6, 7);
            assertThat(layout.segment("second").address())
                    .isEqualTo(file.segment("m").address() + 4);
            assertThat(layout.entry("second").begin()).isEqualTo(file.entry("m").begin() + 4);
            assertThat(layout.entry("second").byteSize()).isEqualTo(4);
            layout.dropPages("second");
            assertThat(bytes(layout, "second")).containsExactly(4, 5, 6, 7);
            assertThat(bytes(layout, "all")).hasSize(12);
            assertThat(layout.metadata()).containsEntry("format", "pt");
        }
    }

    @Test
    void halvesChangePlacesAndKernelsLoseDimensions() throws IOException {
        try (TensorLayout layout = layout(
                file(),
                Map.of(
                        "swapped", new Placement("m", Change.SWAPPED_HALVES),
                        "squeezed", new Placement("k", Change.SQUEEZED)))) {
            assertThat(layout.entry("swapped").shape()).containsExactly(6L, 2L);
            assertThat(bytes(layout, "swapped")).containsExactly(6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5);
            layout.dropPages("swapped");
            assertThat(bytes(layout, "swapped")).startsWith(6, 7);
            assertThat(layout.entry("squeezed").shape()).containsExactly(2L, 3L);
            assertThat(bytes(layout, "squeezed")).containsExactly(0, 1, 2, 3, 4, 5);
        }
    }

    @Test
    void namesOfTheFileAreKnown() throws IOException {
        try (TensorLayout layout = layout(file(), Map.of("all", new Placement("m", Change.NONE)))) {
            assertThat(layout.fileName("all")).isEqualTo("m");
            assertThat(layout.fileName("absent")).isEqualTo("their.absent");
            assertThat(layout.dialect()).isEqualTo("other names");
            assertThatThrownBy(() -> layout.entry("absent"))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessageContaining("file.safetensors")
                    .hasMessageContaining("no such tensor");
        }
    }

    @Test
    void rowsThatCannotBeDividedAreAnError() throws IOException {
        try (SafetensorsFile file = file()) {
            Map<String, Placement> quarters = Map.of("part", new Placement("m", new Change.RowShare(0, 4)));
            assertThatThrownBy(() -> layout(file, quarters))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessageContaining("m")
                    .hasMessageContaining("has shape [6, 2], expected rows in 4 equal parts");
        }
    }

    @Test
    void rowsThatEndWithinABlockOrByteAreAnError() throws IOException {
        try (SafetensorsFile file = file()) {
            Map<String, Placement> halves = Map.of("part", new Placement("n", Change.SWAPPED_HALVES));
            assertThatThrownBy(() -> layout(file, halves))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessageContaining("file.safetensors")
                    .hasMessageContaining("'n': of shape [6, 1] in F4 cannot be divided into 2 parts of whole blocks");
        }
    }
}
