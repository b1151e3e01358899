package io.stencil.lab.world;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class DatasetWriterTest {

    @TempDir
    private Path place;

    private Map<String, byte[]> written(DatasetWriter.Kind kind, int count, long seed) throws IOException {
        Path folder = place.resolve("%s %s %s %s".formatted(kind, count, seed, System.nanoTime()));
        DatasetWriter.write(new DatasetWriter.DatasetPlan(kind, count, seed, 64), folder, _ -> {});
        Map<String, byte[]> content = new TreeMap<>();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                content.put(folder.relativize(file).toString(), Files.readAllBytes(file));
            }
        }
        return content;
    }

    @ParameterizedTest
    @EnumSource
    void aSeedGivesTheSameBytesAndACountOnlyEnds(DatasetWriter.Kind kind) throws IOException {
        Map<String, byte[]> three = written(kind, 3, 5);
        Map<String, byte[]> five = written(kind, 5, 5);
        Map<String, byte[]> other = written(kind, 3, 6);

        assertThat(three).hasSizeGreaterThanOrEqualTo(4);
        for (Map.Entry<String, byte[]> file : three.entrySet()) {
            if (file.getKey().endsWith(".png")) {
                assertThat(five.get(file.getKey())).as(file.getKey()).isEqualTo(file.getValue());
            }
        }
        String rows = text(three);
        assertThat(text(five)).startsWith(rows);
        assertThat(rows.lines()).hasSize(3);
        assertThat(text(other)).isNotEqualTo(rows);
        assertThat(other.get("images/000000.png")).isNotEqualTo(three.get("images/000000.png"));
    }

    private static String text(Map<String, byte[]> content) {
        return new String(content.get(DatasetWriter.METADATA), StandardCharsets.UTF_8);
    }

    @Test
    void progressIsTold() throws IOException {
        List<Integer> counts = new ArrayList<>();

        DatasetWriter.write(
                new DatasetWriter.DatasetPlan(DatasetWriter.Kind.PLAIN, 3, 0, 32), place.resolve("set"), counts::add);

        assertThat(counts).containsExactly(1, 2, 3);
    }

    @Test
    void aStoppedRunLeavesNothing() throws IOException {
        DatasetWriter.DatasetPlan plan = new DatasetWriter.DatasetPlan(DatasetWriter.Kind.PLAIN, 9, 0, 32);

        assertThatThrownBy(() -> DatasetWriter.write(plan, place.resolve("set"), written -> {
                    throw new CancellationException("after " + written);
                }))
                .isInstanceOf(CancellationException.class)
                .hasMessage("after 1");

        try (Stream<Path> left = Files.list(place)) {
            assertThat(left).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0, 64, 'count'",
        "-3, 64, 'count'",
        "1000001, 64, 'count'",
        "4, 60, 'size'",
        "4, 16, 'size'",
        "4, 528, 'size'"
    })
    void whatCannotBeIsRefused(int count, int side, String option) {
        assertThatThrownBy(() -> new DatasetWriter.DatasetPlan(DatasetWriter.Kind.PLAIN, count, 0, side))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'" + option + "': must be");
    }

    @Test
    void anUnknownKindIsToldWhichThereAre() {
        assertThatThrownBy(() -> DatasetWriter.Kind.parse("Brightness"))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("plain, varied, brightness, rgb")
                .hasMessageEndingWith("found 'Brightness'");
    }
}
