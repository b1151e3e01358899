package io.stencil.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonReasonTest {

    record Row(int number, String name, List<Row> rows) {}

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .build();

    /// The parser's own classes and settings say nothing to a user.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'number': 1, 'name': 'a'} | rows: is missing",
                "{'number': 'x', 'name': 'a', 'rows': []} | number: must be a whole number",
                "{'number': null, 'name': 'a', 'rows': []} | number: must be a whole number",
                "{'number': 1, 'name': null, 'rows': []} | name: must be a string",
                "{'number': 1, 'name': {}, 'rows': []} | name: must be a string",
                "{'number': 1, 'name': 'a', 'rows': {}} | rows: must be a list",
                "{'number': 1, 'name': 'a', 'rows': [{'number': 2}]} | rows[0].name: is missing",
                "{'number': 1, 'name': 'a', 'rows': [[]]} | rows[0]: must be an object",
                "{'number': 1, 'name': 'a', 'rows': [], 'more': 1} | more: is not a known field",
                "[] | must be an object"
            })
    void aValueThatFitsNoRecordIsNamedInTheWordsOfJson(String json, String reason) {
        JsonProcessingException fault = Objects.requireNonNull(catchThrowableOfType(
                JsonProcessingException.class, () -> MAPPER.readValue(json.replace('\'', '"'), Row.class)));
        assertThat(JsonReason.ofBinding(fault)).isEqualTo(reason);
    }
}
