package io.stencil.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LocalPathTest {

    private static final Location OPTION = Location.ofField("output_path");

    @ParameterizedTest
    @ValueSource(
            strings = {"a/b.png", "/data/x", "a~b", "./~", "a b", "OWNER/NAME:", "x:y", "t:/sub", "models\\tiny", ""})
    void anyOtherTextIsAPath(String text) {
        assertThat(LocalPath.of(OPTION, text)).isEqualTo(Path.of(text));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    https://huggingface.co/a/b | it is a URL: download the file, or name a model of a hub as OWNER/NAME:PATTERN
                    file:///data/a.png          | it is a URL
                    s3://bucket/key            | it is a URL
                    ~/out                      | only the shell replaces '~'
                    C:\\out\\a.png             | it is a path of Windows
                    c:\\out                    | it is a path of Windows
                    D:/out                     | it is a path of Windows
                    """)
    void whatNamesNoFileOfThisSystemIsRefusedWithTheRemedy(String text, String remedy) {
        assertThatThrownBy(() -> LocalPath.of(OPTION, text))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'output_path': '" + text + "' is not a local path; ")
                .hasMessageContaining(remedy);
    }

    @Test
    void theHomeFolderIsWrittenOut() {
        assertThat(LocalPath.hint("~/out")).endsWith(": write " + System.getProperty("user.home") + "/out");
    }

    @Test
    void aCharacterThatNoNameMayHaveIsRefused() {
        assertThatThrownBy(() -> LocalPath.of(OPTION, "a\u0000b"))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'output_path': 'a\\u0000b' is not a path: Nul character not allowed");
    }

    @Test
    void backslashesAreToldWhereAPathDoesNotExist() {
        assertThat(LocalPath.hint("models\\tiny")).isEqualTo("; write '/' between the parts of a path, not '\\'");
        assertThat(LocalPath.hint("models/tiny")).isEmpty();
    }
}
