package io.stencil.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.Location;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonReasonTest {

    record Row(int number, String name, List<Row> rows) {}

    /// The parser's own classes and settings say nothing to a user.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'number': 1, 'name': 'a'} | rows: is missing",
                "{'number': 'x', 'name': 'a', 'rows': []} | number: must be a whole number, found 'x'",
                "{'number': '4', 'name': 'a', 'rows': []} | number: must be a whole number, found '4'",
                "{'number': '', 'name': 'a', 'rows': []} | number: must be a whole number, found ''",
                "{'number': 4.9, 'name': 'a', 'rows': []} | number: must be a whole number, found 4.9",
                "{'number': true, 'name': 'a', 'rows': []} | number: must be a whole number, found true",
                "{'number': null, 'name': 'a', 'rows': []} | number: must be a whole number, found null",
                "{'number': 1, 'name': null, 'rows': []} | name: must be a string, found null",
                "{'number': 1, 'name': 2, 'rows': []} | name: must be a string, found 2",
                "{'number': 1, 'name': true, 'rows': []} | name: must be a string, found true",
                "{'number': 1, 'name': {}, 'rows': []} | name: must be a string, found {}",
                "{'number': 1, 'name': 'a', 'rows': {}} | rows: must be a list, found {}",
                "{'number': 1, 'name': 'a', 'rows': 'all'} | rows: must be a list, found 'all'",
                "{'number': 1, 'name': 'a', 'rows': [{'number': 2}]} | rows[0].name: is missing",
                "{'number': 1, 'name': 'a', 'rows': [[]]} | rows[0]: must be an object, found []",
                "{'number': 1, 'name': 'a', 'rows': [], 'more': 1} | more: is not a known field",
                "[] | must be an object, found []"
            })
    void aValueThatFitsNoRecordIsNamedInTheWordsOfJson(String json, String reason) {
        JsonNode value = JsonFile.parse(Location.ofField("json"), json.replace('\'', '"'));
        JsonProcessingException fault = Objects.requireNonNull(
                catchThrowableOfType(JsonProcessingException.class, () -> Json.MAPPER.treeToValue(value, Row.class)));
        assertThat(JsonReason.ofBinding(fault, value)).isEqualTo(reason.replace('\'', '"'));
    }
}
