package io.stencil.flux2.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.flux2.text.PromptTokenizer.PromptTokens;
import io.stencil.json.JsonFile;
import io.stencil.testing.TestFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;

/// The real Qwen3 tokenizer against ids that were computed by another implementation.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class Qwen3TokenizerGoldenTest {

    private static final Path DATA = TestFiles.root().resolve("testdata/tokenizers/qwen3");
    private static final long PADDING = 151643;

    private final PromptTokenizer tokenizer = PromptTokenizer.qwen3();

    @AfterAll
    void close() {
        tokenizer.close();
    }

    @TestFactory
    List<DynamicTest> idsAreEqual() {
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode one : JsonFile.read(DATA.resolve("expected_ids.json"))) {
            tests.add(DynamicTest.dynamicTest(
                    one.path("name").textValue(),
                    () -> assertThat(tokenizer.encode(one.path("text").textValue()))
                            .isEqualTo(longs(one.path("ids")))));
        }
        assertThat(tests).hasSizeGreaterThan(12);
        return tests;
    }

    @Test
    void knownIds() {
        assertThat(tokenizer.encode("Hello, world!")).containsExactly(9707L, 11L, 1879L, 0L);
    }

    @Test
    void aPromptBecomesOneTurnOfAChat() {
        PromptTokens tokens = tokenizer.tokens("Hello, world!", 20);
        assertThat(tokens.ids())
                .containsExactly(
                        151644L, 872L, 198L, 9707L, 11L, 1879L, 0L, 151645L, 198L, 151644L, 77091L, 198L, 151667L, 271L,
                        151668L, 271L, PADDING, PADDING, PADDING, PADDING);
        assertThat(tokens.length()).isEqualTo(16);
    }

    private static List<Long> longs(JsonNode array) {
        List<Long> values = new ArrayList<>();
        array.forEach(value -> values.add(value.longValue()));
        return values;
    }
}
