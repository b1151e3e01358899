package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidRequestException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Lists, nested records, absent fields and ranges are bound as strictly as plain fields.
class StrictBindingTest {

    private enum Tone {
        WARM,
        COLD
    }

    private record Point(double x, float y) {
        private Point {
            if (x < 0) {
                throw new IllegalArgumentException("x must be at least 0, found " + x);
            }
        }
    }

    private record Shapes(
            List<Point> points,
            List<List<Integer>> grid,
            Optional<Point> centre,
            @Nullable Tone tone,
            long maxCount) {}

    private static final String COMPLETE =
            "{'points':[{'x':1,'y':2}],'grid':[[1],[]],'centre':{'x':3,'y':4},'tone':'COLD','max_count':9000000000}";

    private static ObjectNode json(String text) throws JsonProcessingException {
        return (ObjectNode) new ObjectMapper().readTree(text.replace('\'', '"'));
    }

    private static Shapes bind(String text) throws JsonProcessingException {
        return new RecordBinder<>(Shapes.class).bind(json(text), Path.of(""));
    }

    @Test
    void nestedValuesAreBound() throws JsonProcessingException {
        assertThat(bind(COMPLETE))
                .isEqualTo(new Shapes(
                        List.of(new Point(1, 2)),
                        List.of(List.of(1), List.of()),
                        Optional.of(new Point(3, 4)),
                        Tone.COLD,
                        9_000_000_000L));
    }

    @Test
    void optionalAndNullableFieldsMayBeAbsentOrNull() throws JsonProcessingException {
        Shapes expected = new Shapes(List.of(), List.of(), Optional.empty(), null, 1);
        assertThat(bind("{'points':[],'grid':[],'max_count':1}")).isEqualTo(expected);
        assertThat(bind("{'points':[],'grid':[],'centre':null,'tone':null,'max_count':1}"))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'x':1,'y':2}]|{'x':1,'y':2},{'x':'a','y':2}]|'points[1].x': must be a number, found \"a\"",
                "{'x':1,'y':2}]|{'x':1}]|'points[0].y': is missing; expected a number",
                "{'x':1,'y':2}]|{'x':1,'y':2,'z':3}]|'points[0].z': is not an input of this Template; it has x, y",
                "{'x':1,'y':2}]|null]|'points[0]': must be an object, found null",
                "{'x':1,'y':2}]|{'x':-1,'y':2}]|'points[0]': is refused by Point: x must be at least 0, found -1.0",
                "{'x':1,'y':2}]|{'x':1e400,'y':2}]|'points[0].x': must be a finite number",
                "{'x':1,'y':2}]|{'x':1,'y':1e300}]|'points[0].y': must be a finite number of single precision",
                "[[1],[]]|[[1],[2,null]]|'grid[1][1]': must be a whole number, found null",
                "[[1],[]]|[[1],3]|'grid[1]': must be a list, found 3",
                "[[1],[]]|[[1.0]]|'grid[0][0]': must be a whole number, found 1.0",
                "{'x':3,'y':4}|{'x':3}|'centre.y': is missing; expected a number",
                "{'x':3,'y':4}|[]|'centre': must be an object, found []",
                "'COLD'|''|'tone': must be one of [WARM, COLD], found \"\"",
                "'COLD'|'cold'|'tone': must be one of [WARM, COLD], found \"cold\"",
                "'COLD'|1|'tone': must be one of [WARM, COLD], found 1",
                "9000000000|90000000000000000000|'max_count': must be a whole number from -9223372036854775808",
                "'max_count'|'maxCount'|'maxCount': is not an input of this Template; it has points, grid, centre, tone",
            })
    void whatDoesNotFitIsNamedByItsPath(String part, String replacement, String message)
            throws JsonProcessingException {
        ObjectNode broken = json(COMPLETE.replace(part, replacement));
        assertThatThrownBy(() -> new RecordBinder<>(Shapes.class).bind(broken, Path.of("")))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith(message);
    }

    @Test
    void whatIsNotANumberIsRefused() {
        ObjectNode fields =
                JsonNodeFactory.instance.objectNode().put("x", Double.NaN).put("y", 1);
        assertThatThrownBy(() -> new RecordBinder<>(Point.class).bind(fields, Path.of("")))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'x': must be a finite number, found \"NaN\"");
    }

    record Sneaky(double x) {
        Sneaky {
            throw sneaked(new IOException("the table of colours is absent"));
        }

        @SuppressWarnings("unchecked") // the compiler lets a checked exception through
        private static <E extends Exception> RuntimeException sneaked(Exception checked) throws E {
            throw (E) checked;
        }
    }

    @Test
    void aCheckedExceptionOfARecordIsARefusalWithItsOwnMessage() {
        ObjectNode fields = JsonNodeFactory.instance.objectNode().put("x", 1);
        assertThatThrownBy(() -> new RecordBinder<>(Sneaky.class).bind(fields, Path.of("")))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'template_inputs': is refused by Sneaky: the table of colours is absent")
                .hasCauseInstanceOf(IOException.class);
    }

    @Test
    void whatTheOutermostRecordRefusesIsAFaultOfTheInputAsAWhole() throws JsonProcessingException {
        ObjectNode fields = json("{'x':-1,'y':1}");
        assertThatThrownBy(() -> new RecordBinder<>(Point.class).bind(fields, Path.of("")))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'template_inputs': is refused by Point: x must be at least 0, found -1.0")
                .hasCauseInstanceOf(IllegalArgumentException.class);
    }
}
