package io.stencil.error;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VisibleTextTest {

    @ParameterizedTest
    @ValueSource(
            ints = {
                0x00, 0x07, 0x08, 0x1b, 0x7f, 0x80, 0x85, 0x9b, 0x9f, 0xad, 0x61c, 0x200b, 0x200d, 0x200e, 0x2028,
                0x2029, 0x202a, 0x202e, 0x2060, 0x2066, 0x2069, 0xfeff, 0xfff9
            })
    void whatATerminalActsOnIsEscaped(int codePoint) {
        String text = "a" + Character.toString(codePoint) + "b";

        String escaped = String.format(Locale.ROOT, "a\\u%04xb", codePoint);
        assertThat(VisibleText.of(text)).isEqualTo(escaped);
        assertThat(VisibleText.lines(text)).isEqualTo(escaped);
    }

    @Test
    void breaksAndTabsHaveNamesAndStayWhereTextHasLines() {
        assertThat(VisibleText.of("a\nb\rc\td")).isEqualTo("a\\nb\\rc\\td");
        assertThat(VisibleText.lines("a\nb\rc\td")).isEqualTo("a\nb\\rc\td");
    }

    @Test
    void textOfAllScriptsStaysAndEscapesAreEscapedOnce() {
        String text = "caf\u00e9 \u0645\u0631\u062d\u0628\u0627 \u65e5\u672c \ud83c\udf0d C:\\new 'x' \\u001b";

        assertThat(VisibleText.of(text)).isSameAs(text);
        assertThat(VisibleText.of("\ud83c!\udb40\udc41")).isEqualTo("\\ud83c!\\U000e0041");
        assertThat(VisibleText.of(VisibleText.of("\u001b\n"))).isEqualTo("\\u001b\\n");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.png", // Persian
                "\u0915\u094d\u200d\u0937", // Hindi
                "\ud83d\udc69\u200d\ud83d\udcbb a \ud83c\udff3\ufe0f\u200d\ud83c\udf08", // emoji
                "\ud83d\udc69\ud83c\udffd\u200d\ud83d\ude80", // with a tone of skin
                "\u0600\u0661"
            })
    void joinersAndSignsThatAreSeenStay(String text) {
        assertThat(VisibleText.of(text)).isSameAs(text);
    }

    @Test
    void joinersThatAreNotSeenAreEscaped() {
        assertThat(VisibleText.of("\u200dmodel\u200c.json\u00e9\u200d\u4e2d\u200d"))
                .isEqualTo("\\u200dmodel\\u200c.json\u00e9\\u200d\u4e2d\\u200d");
        assertThat(VisibleText.of("\u0645\u200c\u200c")).isEqualTo("\u0645\u200c\\u200c");
    }

    @Test
    void aMessageQuotesNamesEscaped() {
        Location location = Location.of(Path.of("a\u001b[2J.json")).field("b\nc");
        InvalidFileException fault = new InvalidFileException(
                location, "holds %s, found '\u202e'".formatted(NameList.of(List.of("x\u0007", "y\r"))));

        assertThat(fault)
                .hasMessage("a\\u001b[2J.json: 'b\\nc': holds x\\u0007, y\\r, found '\\u202e'")
                .satisfies(thrown -> assertThat(thrown.what()).isEqualTo("holds x\\u0007, y\\r, found '\\u202e'"));
        assertThat(fault.location()).isEqualTo(location);
    }
}
