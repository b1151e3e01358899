package io.stencil.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {

    private static final String FIRST = "model-00001-of-00002.safetensors";
    private static final String SECOND = "model-00002-of-00002.safetensors";

    @TempDir
    Path folder;

    @BeforeEach
    void writeShards() throws IOException {
        RawFile.writeU8(folder.resolve(FIRST), "a", "b");
        RawFile.writeU8(folder.resolve(SECOND), "c");
    }

    private Path writeIndex(String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content.replace('\'', '"'));
    }

    private Path writeWeightMap(String weightMap) throws IOException {
        return writeIndex(
                "model.safetensors.index.json", "{'metadata':{'total_size':3},'weight_map':" + weightMap + "}");
    }

    private static void assertRefused(Path path, String message) {
        assertThatThrownBy(() -> Checkpoint.open(path).close())
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining(message);
    }

    private void assertWhole(Checkpoint checkpoint) {
        assertThat(checkpoint.entries().keySet()).containsExactly("a", "b", "c");
        assertThat(checkpoint.entry("c").name()).isEqualTo("c");
        assertThat(checkpoint.segment("b").get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 1);
        assertThat(checkpoint.segment("c").get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 0);
        assertThat(checkpoint.origin("a")).isEqualTo(folder.resolve(FIRST).toString());
        assertThat(checkpoint.origin("c")).isEqualTo(folder.resolve(SECOND).toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "model.safetensors.index.json",
                "diffusion_pytorch_model.safetensors.index.json",
                "other.safetensors.index.json"
            })
    void a_folder_with_an_index(String name) throws IOException {
        Path index = writeIndex(name, "{'weight_map':{'a':'%s','b':'%s','c':'%s'}}".formatted(FIRST, FIRST, SECOND));
        RawFile.writeU8(folder.resolve("not-in-the-index.safetensors"), "a");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertWhole(checkpoint);
            assertThat(checkpoint.files()).hasSize(2);
        }
        try (Checkpoint checkpoint = Checkpoint.open(index)) {
            assertWhole(checkpoint);
        }
    }

    @Test
    void weights_in_shards_and_in_one_file_are_refused() throws IOException {
        Path whole = folder.resolve("model.safetensors");
        Path index = writeWeightMap("{'a':'%s','b':'%s','c':'%s'}".formatted(FIRST, FIRST, SECOND));
        assertThat(Checkpoint.isNamed(whole)).isTrue();
        try (Checkpoint checkpoint = Checkpoint.openNamed(whole)) {
            assertWhole(checkpoint);
        }
        RawFile.writeU8(whole, "a", "b", "c");
        assertRefused(folder, "model.safetensors, which is none of them, holds the same weights or older ones");
        assertThatThrownBy(() -> Checkpoint.openNamed(whole).close())
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("remove the one or the other");
        try (Checkpoint checkpoint = Checkpoint.open(index)) {
            assertWhole(checkpoint);
        }
        writeWeightMap("{'a':'model.safetensors','b':'model.safetensors','c':'model.safetensors'}");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.files()).hasSize(1);
        }
        Files.delete(index);
        try (Checkpoint checkpoint = Checkpoint.openNamed(whole)) {
            assertThat(checkpoint.files()).hasSize(1);
        }
        Files.delete(whole);
        assertThat(Checkpoint.isNamed(whole)).isFalse();
    }

    @Test
    void a_folder_without_an_index() throws IOException {
        Files.writeString(folder.resolve("config.json"), "{}");
        Files.writeString(folder.resolve("._model.safetensors"), "left behind by a file system");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertWhole(checkpoint);
        }
    }

    @Test
    void a_file_and_a_list_of_files() {
        try (Checkpoint checkpoint = Checkpoint.open(folder.resolve(SECOND))) {
            assertThat(checkpoint.entries().keySet()).containsExactly("c");
        }
        try (Checkpoint checkpoint = Checkpoint.open(List.of(folder.resolve(SECOND), folder.resolve(FIRST)))) {
            assertThat(checkpoint.entries().keySet()).containsExactly("c", "a", "b");
        }
        assertThatThrownBy(() -> Checkpoint.open(List.of())).isInstanceOf(InvalidRequestException.class);
    }

    @Test
    void shards_that_are_links_out_of_the_folder() throws IOException {
        Path snapshot = Files.createDirectories(folder.resolve("snapshot"));
        Files.createSymbolicLink(snapshot.resolve("x.safetensors"), folder.resolve(FIRST));
        Files.writeString(
                snapshot.resolve("x.safetensors.index.json"),
                "{\"weight_map\":{\"a\":\"x.safetensors\",\"b\":\"x.safetensors\"}}");
        try (Checkpoint checkpoint = Checkpoint.open(snapshot)) {
            assertThat(checkpoint.entries().keySet()).containsExactly("a", "b");
        }
    }

    @Test
    void a_tensor_in_two_shards_names_both() throws IOException {
        RawFile.writeU8(folder.resolve("z.safetensors"), "d", "b");
        assertRefused(
                folder, folder.resolve("z.safetensors") + ": 'b': this tensor is also in " + folder.resolve(FIRST));
    }

    @Test
    void metadata_of_null_is_none() throws IOException {
        Path file = RawFile.write(
                folder.resolve("m.safetensors"),
                "{\"__metadata__\":null,\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
                1);
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            assertThat(checkpoint.metadata()).isEmpty();
            assertThat(checkpoint.entries().keySet()).containsExactly("a");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "model.safetensors, model.fp16.safetensors",
        "model.safetensors, model.non_ema.safetensors",
        "model-00001-of-00001.safetensors, model.bf16-00001-of-00001.safetensors",
        "model-00001-of-00001.safetensors, model-00001-of-00001.bf16.safetensors",
    })
    void a_variant_beside_a_file_is_left_out(String plain, String variant, @TempDir Path other) throws IOException {
        RawFile.writeU8(other.resolve(plain), "a", "b");
        RawFile.writeU8(other.resolve(variant), "b", "a");
        try (Checkpoint checkpoint = Checkpoint.open(other)) {
            assertThat(checkpoint.files())
                    .extracting(file -> file.path().getFileName().toString())
                    .containsExactly(plain);
            assertThat(checkpoint.variants()).containsExactly(other.resolve(variant));
        }
    }

    @Test
    void a_file_with_other_tensors_is_no_variant(@TempDir Path other) throws IOException {
        RawFile.writeU8(other.resolve("model.safetensors"), "a", "b");
        RawFile.writeU8(other.resolve("model.more.safetensors"), "c");
        try (Checkpoint checkpoint = Checkpoint.open(other)) {
            assertThat(checkpoint.entries().keySet()).containsExactlyInAnyOrder("a", "b", "c");
            assertThat(checkpoint.variants()).isEmpty();
        }
        RawFile.writeU8(other.resolve("model.more.safetensors"), "b");
        assertRefused(other, "'b': this tensor is also in");
    }

    @Test
    void the_index_of_a_variant_is_left_out_and_may_begin_with_a_byte_order_mark() throws IOException {
        String map = "{'a':'%s','b':'%s','c':'%s'}".formatted(FIRST, FIRST, SECOND);
        writeIndex("model.safetensors.index.json", "\uFEFF{'weight_map':" + map + "}");
        writeIndex("model.fp16.safetensors.index.json", "{'weight_map':{'a':'absent.safetensors'}}");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertWhole(checkpoint);
        }
    }

    @Test
    void a_broken_shard_is_named() throws IOException {
        Files.write(folder.resolve(SECOND), new byte[3]);
        assertRefused(folder, folder.resolve(SECOND) + ": a safetensors file has at least 8 bytes");
    }

    @Test
    void a_missing_shard_is_named() throws IOException {
        writeWeightMap("{'a':'%s','b':'%s','c':'gone.safetensors'}".formatted(FIRST, FIRST));
        assertRefused(folder, "1 of 2 shards are missing: " + folder.resolve("gone.safetensors"));
    }

    @Test
    void index_and_shards_must_agree() throws IOException {
        writeWeightMap("{'a':'%s','b':'%s','c':'%s','d':'%s'}".formatted(FIRST, FIRST, SECOND, SECOND));
        assertRefused(folder, "names tensors that their shard does not hold: d (" + SECOND + ")");
        writeWeightMap("{'a':'%s','b':'%s','c':'%s'}".formatted(FIRST, SECOND, SECOND));
        assertRefused(folder, "names tensors that their shard does not hold: b (" + SECOND + ")");
        writeWeightMap("{'a':'%s','c':'%s'}".formatted(FIRST, SECOND));
        assertRefused(folder, "shards hold tensors that weight_map does not place there: b (" + FIRST + ")");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../model.safetensors",
                "a/../../model.safetensors",
                "/etc/hostname",
                "..",
                ".",
                "",
                "a/..",
                "nul\\u0000.safetensors"
            })
    void an_index_cannot_leave_its_folder(String shard) throws IOException {
        RawFile.writeU8(folder.resolve("model.safetensors"), "a");
        Path inner = Files.createDirectories(folder.resolve("inner"));
        Path index = Files.writeString(
                inner.resolve("model.safetensors.index.json"), "{\"weight_map\":{\"a\":\"" + shard + "\"}}");
        assertRefused(inner, index + ": 'a': must be the name of a file");
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '|',
            value = {
                "[], index must be a JSON object",
                "{}, has no weight_map",
                "{'weight_map':{}}, weight_map names no tensor",
                "{'weight_map':[]}, 'weight_map': must be an object of tensor names and file names",
                "{'weight_map':{'a':1}}, |'a': must be the name of a file, found 1|",
                "{'weight_map':{'a':'x'} 'b':1}, index is not valid JSON",
                "{'weight_map':{}}}, index is not valid JSON",
                "|{'weight_map':{},'weight_map':{}}|, Duplicate field 'weight_map'",
                "|{'weight_map':{'a':'x','a':'x'}}|, Duplicate field 'a'",
            })
    void a_broken_index_is_refused(String index, String message) throws IOException {
        Path file = writeIndex("model.safetensors.index.json", index);
        assertRefused(folder, file + ": ");
        assertRefused(folder, message);
    }

    @Test
    void several_indexes_are_refused() throws IOException {
        writeIndex("a.safetensors.index.json", "{}");
        writeIndex("b.safetensors.index.json", "{}");
        assertRefused(folder, "name one of a.safetensors.index.json, b.safetensors.index.json");
    }

    @Test
    void a_folder_with_nothing_to_open_says_what_is_there() throws IOException {
        Path other = Files.createDirectories(folder.resolve("other"));
        assertRefused(other, "expected *.safetensors in this folder, found none");
        Files.writeString(other.resolve("model.bin"), "");
        assertRefused(other, "found model.bin");
        assertRefused(folder.resolve("absent"), "no such file");
    }

    @Test
    void metadata_is_what_the_files_agree_on() throws IOException {
        Path x = RawFile.write(folder.resolve("x"), "{\"__metadata__\":{\"format\":\"pt\",\"part\":\"1\"}}", 0);
        Path y = RawFile.write(
                folder.resolve("y"), "{\"__metadata__\":{\"part\":\"2\",\"format\":\"pt\",\"z\":\"\"}}", 0);
        try (Checkpoint checkpoint = Checkpoint.open(List.of(x, y))) {
            assertThat(checkpoint.metadata()).containsOnlyKeys("format", "z");
            assertThat(checkpoint.files().getLast().metadata()).containsEntry("part", "2");
        }
    }

    @Test
    void an_unknown_name_is_told_with_the_files() {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThatThrownBy(() -> checkpoint.segment("d"))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessageContaining(FIRST)
                    .hasMessageContaining(SECOND)
                    .hasMessageContaining("'d': no such tensor; 3 are there: a, b, c");
        }
    }

    @Test
    void closing_unmaps_every_file() {
        Checkpoint checkpoint = Checkpoint.open(folder);
        MemorySegment a = checkpoint.segment("a");
        MemorySegment c = checkpoint.segment("c");
        checkpoint.close();
        checkpoint.close();
        assertThat(a.scope().isAlive()).isFalse();
        assertThat(c.scope().isAlive()).isFalse();
    }
}
