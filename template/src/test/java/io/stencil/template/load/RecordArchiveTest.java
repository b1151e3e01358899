package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.TemplateException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RecordArchiveTest {

    private static final Path ORIGIN = Path.of("Model.java");

    private enum Mode {
        SOFT,
        HARD
    }

    private record Level(Tensor keys, int index) {}

    private record Processed(
            Tensor tokens,
            List<Level> levels,
            Optional<Level> last,
            Optional<Tensor> none,
            RgbImage picture,
            double scale,
            long count,
            boolean flag,
            String text,
            Mode mode,
            List<String> names,
            @Nullable Integer absent) {}

    private static Processed example() {
        return new Processed(
                Tensors.of(new float[] {1, 2, 3}, 1, 3),
                List.of(new Level(Tensors.of(new long[] {4, 5}, 2), 0), new Level(Tensors.of(new long[] {6}, 1), 1)),
                Optional.of(new Level(Tensors.of(new double[] {7}, 1), 2)),
                Optional.empty(),
                RgbImage.filled(new ImageSize(3, 2), 0x102030),
                Double.NaN,
                1L << 60,
                true,
                "a \"b\"\n",
                Mode.HARD,
                List.of("x", "y"),
                null);
    }

    /// Through the text of a file.
    private static JsonNode written(Processed record, Map<String, Tensor> tensors) throws IOException {
        JsonMapper mapper = new JsonMapper();
        return mapper.readTree(mapper.writeValueAsString(RecordArchive.write(record, tensors)));
    }

    private static Processed read(JsonNode json, Map<String, Tensor> tensors) {
        return RecordArchive.read(
                ORIGIN, Processed.class, json, name -> Objects.requireNonNull(tensors.get(name), name));
    }

    @Test
    void everyKindOfComponentComesBack() throws IOException {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            Processed back = read(written(example(), tensors), tensors);

            assertThat(tensors).containsOnlyKeys("tokens", "levels.0.keys", "levels.1.keys", "last.keys", "picture");
            assertThat(Tensors.toFloats(back.tokens())).containsExactly(1, 2, 3);
            assertThat(Tensors.toLongs(back.levels().get(1).keys())).containsExactly(6);
            assertThat(back.levels().get(1).index()).isEqualTo(1);
            assertThat(back.last().orElseThrow().index()).isEqualTo(2);
            assertThat(back.none()).isEmpty();
            assertThat(back.picture()).isEqualTo(example().picture());
            assertThat(back.scale()).isNaN();
            assertThat(back.count()).isEqualTo(1L << 60);
            assertThat(back.flag()).isTrue();
            assertThat(back.text()).isEqualTo("a \"b\"\n");
            assertThat(back.mode()).isEqualTo(Mode.HARD);
            assertThat(back.names()).containsExactly("x", "y");
            assertThat(back.absent()).isNull();
        }
    }

    @Test
    void whatIsOfAnotherRecordIsToldByItsComponent() throws IOException {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            ObjectNode json = (ObjectNode) written(example(), tensors);

            assertThatThrownBy(() -> read(json.deepCopy().without("text"), tensors))
                    .isInstanceOf(TemplateException.class)
                    .hasMessageContaining("'text' is missing")
                    .hasMessageContaining("process the dataset anew");
            assertThatThrownBy(() -> read(json.deepCopy().put("count", "many"), tensors))
                    .hasMessageContaining("'count' is not of type long");
            assertThatThrownBy(() -> read(json.deepCopy().put("more", 1), tensors))
                    .hasMessageContaining("has other components");
        }
    }
}
