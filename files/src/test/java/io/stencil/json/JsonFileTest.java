package io.stencil.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonFileTest {

    @Test
    void aByteOrderMarkIsPassedOver(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("config.json"), "\uFEFF{\"n\": 7}");

        assertThat(JsonFile.read(file).path("n").asInt()).isEqualTo(7);
        assertThat(ConfigJson.read(file).integer("n")).isEqualTo(7);
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '`', delimiter = '|', textBlock = """
                    {"a": 1        | Unexpected end-of-input: expected close marker for Object (start marker at line 1)
                    {"a": [1, 2}   | Unexpected close marker '}': expected ']' (for Array starting at line 1)
                    {} {}          | there is more text behind the end of the value
                    {"a": NaN}     | NaN is not a JSON number; expected a finite number
                    {"a": -Infinity} | -Infinity is not a JSON number; expected a finite number
                    {"a":1,"a":2}  | Duplicate field 'a'
                    """)
    void theReasonHasNeitherClassesNorSettingsOfTheParser(String text, String reason, @TempDir Path folder)
            throws IOException {
        Path file = Files.writeString(folder.resolve("a.json"), text);

        assertThatThrownBy(() -> JsonFile.read(file))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(file + ":1: is not JSON: " + reason);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    [1]   | expected a JSON object, found an array
                    7     | expected a JSON object, found a number
                    ''    | is empty; expected JSON
                    """)
    void anotherKindIsToldInWordsOfJson(String text, String reason, @TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("a.json"), text);

        assertThatThrownBy(() -> ConfigJson.read(file))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(file + ": " + reason);
    }

    @Test
    void bytesThatAreNotUtf8AreTold(@TempDir Path folder) throws IOException {
        Path file =
                Files.write(folder.resolve("a.json"), "{\"a\": \"caf\u00e9\"}".getBytes(StandardCharsets.ISO_8859_1));

        assertThatThrownBy(() -> JsonFile.read(file)).hasMessage(file + ": is not UTF-8 text; save it as UTF-8");
    }

    @Test
    void anAbsentFileAndAFolderAreTold(@TempDir Path folder) {
        assertThatThrownBy(() -> JsonFile.read(folder.resolve("a.json")))
                .hasMessage(folder.resolve("a.json") + ": does not exist");
        assertThatThrownBy(() -> JsonFile.read(folder))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(folder + ": cannot be read: Is a directory");
    }
}
